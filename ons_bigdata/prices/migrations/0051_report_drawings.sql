-- Drawings of a report, which the next one of the same figures takes over. Those that are there are drawn again.

alter table analysis.price_quality_report add column drawings text not null default '{}';
alter table analysis.price_quality_report alter column drawings drop default;
update analysis.price_quality_report set evidence_hash = '';
