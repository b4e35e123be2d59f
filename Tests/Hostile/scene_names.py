"""Names shared by the deployment and the attacks."""
REGION, LOG, PARTITIONS = "eu-west", "main", 6
TOTAL = "/v1/metrics/money-moved/24h"
STREAM = "/v1/metrics/money-moved/stream"
