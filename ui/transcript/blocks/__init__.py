"""Parts of a message: text, code, tables, formulas and rules, each drawn from one QTextDocument."""
