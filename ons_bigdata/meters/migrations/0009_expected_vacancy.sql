-- Expected stock and flow of vacant homes, given that judgements err: the next run fills them.

alter table analysis.meter_vacancy_controlled
    add column expected_stock bigint check (expected_stock >= 0),
    add column expected_became_vacant bigint check (expected_became_vacant >= 0),
    add column expected_occupied_again bigint check (expected_occupied_again >= 0),
    add column expected_appeared bigint check (expected_appeared >= 0),
    add column expected_disappeared bigint check (expected_disappeared >= 0),
    add check (status = 'published' or coalesce(
        expected_stock, expected_became_vacant, expected_occupied_again, expected_appeared, expected_disappeared
    ) is null);
