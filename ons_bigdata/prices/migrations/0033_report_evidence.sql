-- What a report was written from: it is written again where that changed.

alter table analysis.price_quality_report add column evidence_hash text not null default '';
alter table analysis.price_quality_report alter column evidence_hash drop default;
