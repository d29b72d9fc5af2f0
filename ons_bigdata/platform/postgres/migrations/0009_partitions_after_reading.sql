-- A file's partitions may be unknown until it has been read. A file that no reader knows has no data origin.

-- null until the file has been read, where neither its name nor its header says which partitions it touches;
-- empty for a refused file
alter table ops.files alter column partitions drop not null;
