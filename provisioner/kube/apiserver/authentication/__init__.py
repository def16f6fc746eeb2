"""Who asks: `authn` tries each way that the configuration (`authn_config`) names; `tokens` are service accounts' own."""
