"""Files that are tables: strict CSV and workbooks, read as text with line numbers, their faults by line."""
