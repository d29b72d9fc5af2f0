"""Adapters to the outside: specifications, deliveries of operators, published flows, census tables, areas.

All files come by `ons-bigdata ingest phones PATH…` and are recognised by name or header; `--format` chooses one kind. A
file whose name begins with `simulated_` is simulated. Files about single devices are in the package `devices`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.phones.calendar import MONTHS
from ons_bigdata.phones.schemas import census
from ons_bigdata.phones.schemas import deliveries as frames
from ons_bigdata.phones.schemas.figures import PopulationFigure
from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources import census_flows, devices, figure_files, zone_files
from ons_bigdata.phones.sources.deliveries import (
    contract,
    flow_files,
    flowkit_flows,
    mobility_trips,
    pipeline_counts,
    published_flows,
    side_tables,
)
from ons_bigdata.phones.sources.specification_files import read_register
from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, Catchall, LandingFolder, RawTable, Recognised, Refused, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import dataframely as dy

    from ons_bigdata.phones.sources.specification_files import Registered
    from ons_bigdata.platform.calendar import Calendar
    from ons_bigdata.platform.ingest.landing import DataOrigin

COMMAND = "phones"
LANDING = {
    "deliveries": LandingFolder(
        name="phone_deliveries",
        description=(
            "Deliveries of operators and published flows as they came, by their hash. Written by `ons-bigdata ingest "
            "phones`."
        ),
    ),
    "weighting": LandingFolder(
        name="phone_figures",
        description=(
            "Published rates of the market and residents as they came, by their hash. Written by `ons-bigdata ingest "
            "phones`."
        ),
    ),
    "comparison": LandingFolder(
        name="phone_references",
        description="Census tables and areas as they came, by their hash. Written by `ons-bigdata ingest phones`.",
    ),
}
"""Landed files by area."""
FORMATS = (
    "od_flows_, od_matrix_, zone_margins_, coverage_ and provider_report_<provider>_<YYYY-MM>….csv or .parquet under a "
    "specification of the register; flowkit_flows_<provider>_<YYYY-MM>_….json; daily files of the Spanish open "
    "mobility data; gold outputs of multimno; MSOA21CD_home,…,count; travel to work of the census; areas with "
    "names; figures of the market and residents"
)
"""Files that are read, for the reason of a refusal."""

_MAX_FILE_BYTES = 1024 * 1024 * 1024
"""A national table by middle-layer areas has about 200 MB."""


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


def _contract_adapter(table: str, read: Callable[..., Reading]) -> Callable[[Path], Adapter]:
    """Adapter of a table of the contract: recognised by its name, read under the register of specifications."""

    def adapter(dbt_project_dir: Path) -> Adapter:
        register: Mapping[str, Registered] = read_register(dbt_project_dir)

        def recognise(name: str, _content: bytes) -> Recognised | Refused | None:
            if not name.removeprefix(SIMULATED).startswith(f"{table}_"):
                return None
            file = contract.parse_name(name, table)
            if file is None:
                return Refused(f"file name {name!r}; expected {table}_<provider>_<YYYY-MM>….csv or .parquet")
            if not MONTHS.first_day <= file.month <= MONTHS.today():
                return Refused(f"month {file.month:%Y-%m}; expected {MONTHS.first_day:%Y-%m} to the present one")
            return Recognised(file.provider, _origin(name), (file.month.isoformat(),))

        def read_file(file: LandedFile, content: bytes, load_id: str) -> Reading:
            return read(content, name=file.name, load_id=load_id, register=register)

        return Adapter(recognise, read_file)

    return adapter


def _flowkit_adapter(dbt_project_dir: Path) -> Adapter:
    """Adapter of flows of FlowKit: recognised by their name, read under the register of specifications."""
    register: Mapping[str, Registered] = read_register(dbt_project_dir)

    def recognise(name: str, _content: bytes) -> Recognised | Refused | None:
        if not name.removeprefix(SIMULATED).startswith(f"{flowkit_flows.TABLE}_"):
            return None
        parts = flowkit_flows.parse_name(name)
        if parts is None:
            return Refused(f"file name {name!r}; expected {flowkit_flows.NAME_FORM}")
        file = parts[0]
        if not MONTHS.first_day <= file.month <= MONTHS.today():
            return Refused(f"month {file.month:%Y-%m}; expected {MONTHS.first_day:%Y-%m} to the present one")
        return Recognised(file.provider, _origin(name), (file.month.isoformat(),))

    def read_file(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return flowkit_flows.read_flowkit(content, name=file.name, load_id=load_id, register=register)

    return Adapter(recognise, read_file)


def _side_reader(table: str) -> Callable[..., Reading]:
    def read(content: bytes, *, name: str, load_id: str, register: Mapping[str, Registered]) -> Reading:
        return side_tables.read_side_table(content, table=table, name=name, load_id=load_id, register=register)

    return read


def _adapter(
    delivery: str, is_ours: Callable[[str, bytes], bool], read: Callable[[LandedFile, bytes, str], Reading]
) -> Callable[[Path], Adapter]:
    """Adapter of published files, recognised by their content; their partitions are in their rows."""

    def recognise(name: str, content: bytes) -> Recognised | None:
        return Recognised(delivery, _origin(name), None) if is_ours(name, content) else None

    return lambda _dbt_project_dir: Adapter(recognise, read)


def _source(  # noqa: PLR0913  (what distinguishes one kind of file from another)
    name: str,
    version: str,
    adapter: Callable[[Path], Adapter],
    table: str,
    frame: type[dy.Schema],
    description: str,
    *,
    area: str = "deliveries",
    partition: str = "month",
    calendar: Calendar | None = MONTHS,
) -> Source:
    return Source(
        command=COMMAND,
        reader=Reader(name, name, version),
        area=area,
        adapter=adapter,
        table=RawTable(
            name=table,
            frame=frame,
            description=description,
            partition_column=partition,
            partition_type="date" if calendar else "text",
        ),
        landing=LANDING[area],
        calendar=calendar,
        max_file_bytes=_MAX_FILE_BYTES,
    )


FLOWS = _source(
    "phone_od_flows",
    flow_files.READER_VERSION,
    _contract_adapter(flow_files.LONG, flow_files.read_long),
    "raw.phone_flows",
    frames.ProviderFlow,
    "One row per cell of a long table of flows that an operator delivered.",
)
MATRICES = _source(
    "phone_od_matrices",
    flow_files.READER_VERSION,
    _contract_adapter(flow_files.WIDE, flow_files.read_wide),
    "raw.phone_matrix_flows",
    frames.ProviderFlow,
    "One row per cell of a wide matrix of flows that an operator delivered.",
)
FLOWKIT = _source(
    "phone_flowkit_flows",
    flowkit_flows.READER_VERSION,
    _flowkit_adapter,
    "raw.phone_flowkit_flows",
    frames.ProviderFlow,
    "One row per pair of a JSON of flows of FlowKit.",
)
MARGINS = _source(
    "phone_zone_margins",
    side_tables.READER_VERSION,
    _contract_adapter(side_tables.MARGINS, _side_reader(side_tables.MARGINS)),
    "raw.phone_zone_margins",
    frames.ZoneMargin,
    "One row per zone, segment and day of a delivered table of margins.",
)
COVERAGE = _source(
    "phone_coverage",
    side_tables.READER_VERSION,
    _contract_adapter(side_tables.COVERAGE, _side_reader(side_tables.COVERAGE)),
    "raw.phone_coverage",
    frames.Coverage,
    "One row per zone and technology of a delivered table of the network.",
)
REPORTS = _source(
    "phone_provider_reports",
    side_tables.READER_VERSION,
    _contract_adapter(side_tables.REPORT, _side_reader(side_tables.REPORT)),
    "raw.phone_provider_reports",
    frames.ProviderReport,
    "One row per figure of an operator's report on a delivery.",
)
TRIPS = _source(
    "phone_trips",
    mobility_trips.READER_VERSION,
    _adapter(
        "mitms",
        lambda _name, content: mobility_trips.is_mobility_file(content),
        lambda _file, content, load_id: mobility_trips.read_mobility_trips(content, load_id=load_id),
    ),
    "raw.phone_trips",
    frames.MobilityTrip,
    "One row per group of trips of the Spanish open mobility data; trips, not persons.",
)
PUBLISHED = _source(
    "phone_published_flows",
    published_flows.READER_VERSION,
    _adapter(
        "published",
        lambda _name, content: published_flows.tables.has_columns(content, published_flows.REQUIRED),
        lambda file, content, load_id: published_flows.read_published_flows(content, name=file.name, load_id=load_id),
    ),
    "raw.phone_published_flows",
    frames.PublishedFlow,
    "One row per pair of a published table of flows of phone users.",
)
PIPELINE = _source(
    "phone_pipeline_counts",
    pipeline_counts.READER_VERSION,
    _adapter(
        "multimno",
        lambda _name, content: pipeline_counts.product_of(content) is not None,
        lambda _file, content, load_id: pipeline_counts.read_pipeline_counts(content, load_id=load_id),
    ),
    "raw.phone_pipeline_counts",
    frames.GridCount,
    "One row per zone or pair of zones of an output of the pipeline multimno.",
)
CENSUS = _source(
    "phone_census_flows",
    census_flows.READER_VERSION,
    _adapter(
        "census",
        lambda _name, content: census_flows.layout_of(content) is not None,
        lambda _file, content, load_id: census_flows.read_census_flows(content, load_id=load_id),
    ),
    "raw.phone_census_flows",
    census.CensusCommute,
    "One row per pair of a table of travel to work of a census, all codes kept.",
    area="comparison",
    partition="census_table",
    calendar=None,
)
ZONES = _source(
    "phone_zones",
    zone_files.READER_VERSION,
    _adapter(
        "areas",
        lambda _name, content: zone_files.layout_of(content) is not None,
        lambda _file, content, load_id: zone_files.read_zones(content, load_id=load_id),
    ),
    "raw.phone_zones",
    census.PhoneZone,
    "One row per area of a file of names, residents or positions.",
    area="comparison",
    partition="geography",
    calendar=None,
)
FIGURES = _source(
    "phone_population_figures",
    figure_files.READER_VERSION,
    _adapter(
        "figures",
        lambda _name, content: figure_files.tables.has_columns(content, figure_files.REQUIRED),
        lambda _file, content, load_id: figure_files.read_figures(content, load_id=load_id),
    ),
    "raw.phone_population_figures",
    PopulationFigure,
    "One row per figure of the market or of residents, by area and group.",
    area="weighting",
    partition="figure",
    calendar=None,
)
UNRECOGNISED = Catchall(
    command=COMMAND,
    reader=Reader("phones", "phone_files", "1"),
    reason=(
        f"no file of the phones pilot: expected {FORMATS}. Events of devices and cell plans are taken in by "
        "`ons-bigdata ingest phone-events`; `ons-bigdata phones cell-plan` makes a plan of a simulator's network"
    ),
)

SOURCES = (
    FLOWS,
    MATRICES,
    FLOWKIT,
    MARGINS,
    COVERAGE,
    REPORTS,
    PIPELINE,
    TRIPS,
    PUBLISHED,
    FIGURES,
    CENSUS,
    ZONES,
    UNRECOGNISED,
    *devices.SOURCES,
)
