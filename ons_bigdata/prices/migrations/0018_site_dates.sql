-- The date that the site itself gives its pages: where it stands still, the shop is frozen.

alter table raw.scrape_runs add column site_dated_at timestamptz;
