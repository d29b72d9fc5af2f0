-- Rules of figures that were tests of the mart price_indices, which read every row in each run.

alter table analysis.aggregate_price_indices
    add constraint known_origin check (data_origin in ('real', 'simulated')),
    add constraint known_level check (level in ('item', 'class', 'division')),
    add constraint known_status check (status in ('complete', 'partial', 'none')),
    add constraint no_index_is_status_none check ((index is null) = (status = 'none')),
    add constraint incomplete_has_reason check (status = 'complete' or reason is not null),
    add constraint absent_children_are_children check (children_absent between 0 and children);
