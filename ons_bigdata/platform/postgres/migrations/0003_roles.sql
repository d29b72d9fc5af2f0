-- Who may read what. Roles belong to the whole server, so they carry a prefix and may exist already.
-- ingest writes ops and raw; analyst reads marts, analysis, published (and the seeds that name their
-- codes); publisher reads published; reader is the query tool's: all layers, never restricted.

do $$
declare
    role_name text;
begin
    foreach role_name in array array['{prefix}_ingest', '{prefix}_analyst', '{prefix}_publisher', '{prefix}_reader']
    loop
        begin
            execute format('create role %I login', role_name);
        exception when duplicate_object or unique_violation then
            null; -- made for another database of this server
        end;
        execute format('grant connect on database %I to %I', current_database(), role_name);
        if current_user <> role_name and not pg_has_role(current_user, role_name, 'member') then
            execute format('grant %I to current_user', role_name);
        end if;
    end loop;
    execute format('revoke all on database %I from public', current_database());
end
$$;

revoke all on schema public from public;

grant usage on schema ops, raw to {prefix}_ingest;
grant select, insert, update, delete on all tables in schema ops, raw to {prefix}_ingest;
alter default privileges in schema ops, raw grant select, insert, update, delete on tables to {prefix}_ingest;
revoke insert, update, delete on ops.schema_migrations from {prefix}_ingest;

grant usage on schema seeds, marts, analysis, published to {prefix}_analyst;
grant select on all tables in schema seeds, marts, analysis, published to {prefix}_analyst;
alter default privileges in schema seeds, marts, analysis, published grant select on tables to {prefix}_analyst;

grant usage on schema published to {prefix}_publisher;
grant select on all tables in schema published to {prefix}_publisher;
alter default privileges in schema published grant select on tables to {prefix}_publisher;

grant usage on schema ops, raw, seeds, staging, intermediate, marts, analysis, published to {prefix}_reader;
grant select on all tables in schema ops, raw, seeds, staging, intermediate, marts, analysis, published to {prefix}_reader;
alter default privileges in schema ops, raw, seeds, staging, intermediate, marts, analysis, published
    grant select on tables to {prefix}_reader;
