"""Every setting of the project, from the environment or a `.env` file; no other module reads the environment.

A setting is an environment variable with the prefix `ONS_BIGDATA_`: `home` is `ONS_BIGDATA_HOME`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Folders, database, limits of input and queries, and parameters of the methods."""

    model_config = SettingsConfigDict(env_prefix="ONS_BIGDATA_", env_file=PROJECT_ROOT / ".env", extra="ignore")

    home: Path = Field(
        default=PROJECT_ROOT / ".ons_bigdata",
        description="Folder of all state: database, landing, Dagster, dbt targets.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="An existing Postgres server and database (postgresql://…) instead of the embedded one.",
    )
    reader_url: SecretStr | None = Field(
        default=None,
        description="URL with which `query` logs in as the read-only role, where a server refuses it otherwise.",
    )
    custodian_password: SecretStr | None = Field(
        default=None,
        description="Password with which `query --as custodian` logs in; from the file secrets/custodian if unset.",
    )
    role_prefix: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")] = Field(
        default="ons_bigdata", description="Prefix of the database roles, which are shared by a whole server."
    )
    query_timeout_s: int = Field(
        default=300, gt=0, le=86_400, description="Seconds after which a statement of `query` is cancelled."
    )
    web_hosts: str = Field(
        default="",
        description="Host names, with port where a browser shows one, under which a proxy serves the web interface; "
        "separated by commas.",
    )
    dbt_project_dir: Path = Field(default=PROJECT_ROOT / "dbt_project", description="The dbt project.")
    shared: Path = Field(
        default=PROJECT_ROOT.parent / "shared",
        description="Real data and golden values, for tests.",
    )
    max_file_bytes: int = Field(
        default=256 * 1024 * 1024,
        gt=0,
        description="Largest unpacked size of a delivered file that is taken.",
    )
    pseudonym_key: SecretStr | None = Field(
        default=None,
        description="Key of the pseudonyms, 64 hex digits; the file pseudonym_key_file if unset.",
    )
    pseudonym_key_file: Path | None = Field(
        default=None,
        description="File of mode 0600 with the key of the pseudonyms; `pseudonym.key` under home if unset.",
    )
    link_window_days: int = Field(
        default=14,
        ge=1,
        le=366,
        description="Largest age in days of an accepted price to which the next one is linked.",
    )

    retailers_folder: Path | None = Field(
        default=None,
        description="Folder of the retailer files, which define what is scraped; `retailers` under home if unset.",
    )
    scraper_contact: str | None = Field(
        default=None,
        description="Address or page for owners of scraped sites, sent in the user agent; required for a scrape.",
    )

    tweet_stream_token: SecretStr | None = Field(
        default=None,
        description="Bearer token of the platform's API; required to collect the stream of posts.",
    )
    tweet_stream_legal_basis: str | None = Field(
        default=None,
        description="Legal basis on which the stream of posts is collected, such as the agreement with the platform "
        "and the gateway by which it is used; required to collect it.",
    )
    tweet_stream_url: str = Field(
        default="https://api.twitter.com",
        description="Address of the platform's API.",
    )
    tweet_stream_roll_s: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="Seconds after which received posts are rolled into a file of landing.",
    )

    @field_validator("home", mode="before")
    @classmethod
    def _require_home(cls, value: object) -> object:
        """Refuse an empty text, which would be the present folder."""
        if isinstance(value, str) and not value.strip():
            raise ValueError("expected the path of a folder, or no variable at all")
        return value

    @field_validator("home")
    @classmethod
    def _expand_home(cls, home: Path) -> Path:
        """Return the absolute path of the folder; `~` is a home folder."""
        try:
            return home.expanduser().resolve()
        except RuntimeError as error:
            raise ValueError(f"{home.parts[0]} is the home folder of no user that is known here") from error

    @property
    def retailers_dir(self) -> Path:
        """Folder of the retailer files."""
        return self.retailers_folder if self.retailers_folder is not None else self.home / "retailers"

    @property
    def custodian_password_file(self) -> Path:
        """File of the custodian's password, mode 0600."""
        return self.home / "secrets" / "custodian"

    @property
    def data_dir(self) -> Path:
        """Folder of the embedded server's data and socket."""
        return self.home / "pg"

    @property
    def landing_dir(self) -> Path:
        """Folder of delivered files, unchanged."""
        return self.home / "landing"

    @property
    def spool_dir(self) -> Path:
        """Folder of what collectors have received and not landed."""
        return self.home / "spool"

    @property
    def lake_dir(self) -> Path:
        """Folder of the lake."""
        return self.home / "lake"

    @property
    def pseudonym_key_path(self) -> Path:
        """File with the key of the pseudonyms."""
        return self.pseudonym_key_file if self.pseudonym_key_file is not None else self.home / "pseudonym.key"

    @property
    def dagster_home(self) -> Path:
        """`DAGSTER_HOME` of this installation."""
        return self.home / "dagster"

    @property
    def dbt_dir(self) -> Path:
        """Folder of dbt's profile and target."""
        return self.home / "dbt"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once. Raises pydantic's ValidationError, which names the setting."""
    return Settings()


def describe_setting_errors(error: ValidationError) -> list[str]:
    """Return a line for each bad setting: its variable, its value (unless it is a secret) and what is allowed."""
    lines = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        field = Settings.model_fields.get(name)
        is_secret = field is None or "Secret" in str(field.annotation)
        value = "" if is_secret else f"={fault['input']!r}"
        meaning = f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
        lines.append(f"ONS_BIGDATA_{name.upper()}{value}: {fault['msg'].removeprefix('Value error, ')}{meaning}")
    return lines
