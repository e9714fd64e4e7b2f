"""PDF export: layout of blocks on pages with Qt, and the parts of a PDF that Qt does not write."""
