-- Standard errors of the changes of an index, from the resamples of both periods.

alter table analysis.price_index_diagnostics
    add column change_error_percent double precision
    check (change_error_percent >= 0 and change_error_percent < 'Infinity'),
    add column change_error_reason text default 'not estimated: of an earlier version',
    add column week_change_error_percent double precision
    check (week_change_error_percent >= 0 and week_change_error_percent < 'Infinity'),
    add column week_change_error_reason text default 'not estimated: of an earlier version',
    add constraint change_error_or_reason
    check ((change_error_percent is null) = (change_error_reason is not null)),
    add constraint week_change_error_or_reason
    check ((week_change_error_percent is null) = (week_change_error_reason is not null));

alter table analysis.price_index_diagnostics
    alter column change_error_reason drop default,
    alter column week_change_error_reason drop default;
