"""Who may do what: accounts, rules, robots, tokens, limits of rate, and the audit log."""
