-- Role custodian, the only one that reads schema restricted (rows about single people, homes and devices) and may change
-- it; ingest writes it and cannot read it. On the embedded server the custodian logs in with a password.

do $$
begin
    begin
        create role {prefix}_custodian login;
    exception when duplicate_object or unique_violation then
        null; -- made for another database of this server
    end;
    execute format('grant connect on database %I to {prefix}_custodian', current_database());
    if current_user <> '{prefix}_custodian' and not pg_has_role(current_user, '{prefix}_custodian', 'member') then
        grant {prefix}_custodian to current_user;
    end if;
    begin
        alter role {prefix}_custodian set statement_timeout = '5min';
        alter role {prefix}_custodian set idle_in_transaction_session_timeout = '5min';
    exception when insufficient_privilege then
        raise warning 'role {prefix}_custodian keeps its timeouts: %', sqlerrm; -- made by the owner of another database
    end;
end
$$;

grant usage on schema restricted to {prefix}_custodian, {prefix}_ingest;
grant select, insert, update, delete on all tables in schema restricted to {prefix}_custodian;
alter default privileges in schema restricted grant select, insert, update, delete on tables to {prefix}_custodian;
grant insert, update, delete on all tables in schema restricted to {prefix}_ingest;
alter default privileges in schema restricted grant insert, update, delete on tables to {prefix}_ingest;

-- codes and aggregates that explain the rows
grant usage on schema seeds, marts, analysis, published to {prefix}_custodian;
grant select on all tables in schema seeds, marts, analysis, published to {prefix}_custodian;
alter default privileges in schema seeds, marts, analysis, published grant select on tables to {prefix}_custodian;
