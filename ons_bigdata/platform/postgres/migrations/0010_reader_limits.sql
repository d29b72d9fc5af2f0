-- Limits of the read-only role: its statements end after five minutes (`query` sets its own timeout), and it cannot
-- take advisory locks, for which loads and builds wait. Only a superuser can withdraw the lock functions; on other
-- servers the timeout bounds how long the role holds a lock.

do $$
begin
    alter role {prefix}_reader set statement_timeout = '5min';
    alter role {prefix}_reader set idle_in_transaction_session_timeout = '5min';
exception when insufficient_privilege then
    raise warning 'role {prefix}_reader keeps its timeouts: %', sqlerrm; -- made by the owner of another database
end
$$;

do $$
declare
    lock_function regprocedure;
begin
    for lock_function in
        select oid::regprocedure from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_(try_)?advisory_(xact_)?lock'
    loop
        execute format('revoke execute on function %s from public', lock_function);
        execute format('grant execute on function %s to current_user, {prefix}_ingest', lock_function);
    end loop;
exception when insufficient_privilege then
    raise warning 'role {prefix}_reader can take advisory locks: %', sqlerrm;
end
$$;
