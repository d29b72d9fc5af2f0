-- Inode, size and times of the landed bytes when they were hashed: a file that still has them is not hashed again.

-- null for small files, for those that were refused unread, and for those that landed before
alter table ops.files add column stamp text check (stamp ~ '^[0-9]+(:[0-9]+){3}$');
