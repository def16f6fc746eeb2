"""Whether they may: `authz` asks each authorizer that the configuration (`authz_config`) names, in turn."""
