/* Reads a Kafka topic with librdkafka and does nothing else, for comparison with
 * `tributary-bench consume`. kafka_bench.py builds it with cc. Prints the same line.
 *
 *   bare_consumer BROKERS TOPIC
 *
 * Uses the same allocator as the product.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 8192

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "bare_consumer: %s\n", what);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
}

int main(int argc, char **argv) {
    if (argc != 3) fail("expected BROKERS TOPIC");
    char group[64], error[256];
    snprintf(group, sizeof group, "bare-%ld", (long)time(NULL));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "group.id", group);
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.auto.offset.store", "false");
    set(conf, "enable.partition.eof", "true");
    /* The same as KafkaConsumer's: the queue's limits determine how often fetching pauses. */
    set(conf, "fetch.wait.max.ms", "100");
    set(conf, "queued.min.messages", "1000000");
    set(conf, "queued.max.messages.kbytes", "262144");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk) fail(error);
    rd_kafka_poll_set_consumer(rk);

    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(rk, 0, topic, &metadata, 10000)) fail("no metadata");
    int unfinished = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(unfinished);
    for (int p = 0; p < unfinished; p++)
        rd_kafka_topic_partition_list_add(all, argv[2], p)->offset = 0;
    if (rd_kafka_assign(rk, all)) fail("assign");
    rd_kafka_topic_partition_list_destroy(all);

    static rd_kafka_message_t *batch[BATCH];
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    size_t records = 0, bytes = 0;
    double wall = 0, process = 0, thread = 0;
    while (unfinished > 0) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 0, batch, BATCH);
        if (count == 0) count = rd_kafka_consume_batch_queue(queue, 100, batch, 1);
        if (count > 0 && wall == 0) {
            wall = seconds(CLOCK_MONOTONIC);
            process = seconds(CLOCK_PROCESS_CPUTIME_ID);
            thread = seconds(CLOCK_THREAD_CPUTIME_ID);
        }
        for (ssize_t i = 0; i < count; i++) {
            if (batch[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
                unfinished--;
            else if (batch[i]->err)
                fail(rd_kafka_message_errstr(batch[i]));
            else {
                records++;
                bytes += batch[i]->key_len + batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    process = seconds(CLOCK_PROCESS_CPUTIME_ID) - process;
    thread = seconds(CLOCK_THREAD_CPUTIME_ID) - thread;
    printf("records=%zu bytes=%zu seconds=%.3f per_second=%.0f process_cpu_us=%.4f "
           "thread_cpu_us=%.4f\n",
           records, bytes, wall, records / wall, process * 1e6 / records, thread * 1e6 / records);
    rd_kafka_consumer_close(rk);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    return 0;
}
