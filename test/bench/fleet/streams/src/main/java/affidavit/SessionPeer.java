package affidavit;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer of the fleet benchmark: Kafka Streams does the session aggregation alone (count the events of a session, keep the
 * digest of each path, tell of the session when it ends), with exactly_once_v2. The session of an event is its key: unlike the
 * correlator it need not find it out, verify a signature or judge whose write was foreign.
 *
 * Arguments: BROKERS INPUT OUTPUT EVENTS THREADS STATE_DIR SCHEMA_FILE. Prints one JSON object.
 */
public final class SessionPeer {
  private static final AtomicLong EVENTS = new AtomicLong();
  private static final AtomicLong CLOSED = new AtomicLong();
  private static volatile long startedNanos;
  private static volatile long startedCpu;

  private static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private static final class Aggregate implements Processor<String, byte[], String, byte[]> {
    private final GenericDatumReader<GenericRecord> reader;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, Long> counts;
    private KeyValueStore<String, String> files;
    private BinaryDecoder decoder;
    private GenericRecord event;

    Aggregate(Schema schema) {
      reader = new GenericDatumReader<>(schema);
    }

    @Override
    public void init(ProcessorContext<String, byte[]> to) {
      context = to;
      counts = to.getStateStore("counts");
      files = to.getStateStore("files");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      if (startedNanos == 0) {
        synchronized (EVENTS) {
          if (startedNanos == 0) {
            startedCpu = cpuNanos();
            startedNanos = System.nanoTime();
          }
        }
      }
      try {
        decoder = DecoderFactory.get().binaryDecoder(record.value(), decoder);
        event = reader.read(event, decoder);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      String session = record.key();
      Long before = counts.get(session);
      long count = before == null ? 1 : before + 1;
      String path = event.get("path").toString();
      if (!path.isEmpty()) files.put(session + "|" + path, event.get("digest").toString());
      if ((Boolean) event.get("last")) close(record, session, count);
      else counts.put(session, count);
      EVENTS.incrementAndGet();
    }

    private void close(Record<String, byte[]> record, String session, long count) {
      var paths = new ArrayList<String>();
      try (var found = files.prefixScan(session, new StringSerializer())) {
        while (found.hasNext()) paths.add(found.next().key);
      }
      for (String path : paths) files.delete(path);
      counts.delete(session);
      CLOSED.incrementAndGet();
      context.forward(record.withValue((session + " " + count + " " + paths.size()).getBytes(StandardCharsets.UTF_8)));
    }
  }

  public static void main(String[] args) throws Exception {
    String input = args[1];
    String output = args[2];
    long wanted = Long.parseLong(args[3]);
    Schema schema = new Schema.Parser().parse(new File(args[6]));
    Properties config = new Properties();
    config.put("application.id", "streams-peer-" + System.currentTimeMillis());
    config.put("bootstrap.servers", args[0]);
    config.put("processing.guarantee", "exactly_once_v2");
    config.put("num.stream.threads", args[4]);
    config.put("state.dir", args[5]);
    config.put("statestore.cache.max.bytes", String.valueOf(64 << 20));
    config.put("commit.interval.ms", "100");
    config.put("replication.factor", "1");
    config.put("consumer.auto.offset.reset", "earliest");
    config.put("consumer.max.poll.records", "5000");
    config.put("consumer.max.partition.fetch.bytes", String.valueOf(2 << 20));
    config.put("producer.batch.size", String.valueOf(256 << 10));
    config.put("producer.linger.ms", "5");
    config.put("default.key.serde", Serdes.StringSerde.class);
    config.put("default.value.serde", Serdes.ByteArraySerde.class);
    Topology topology = new Topology();
    topology.addSource("events", new StringDeserializer(), new ByteArrayDeserializer(), input);
    topology.addProcessor("aggregate", () -> new Aggregate(schema), "events");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("counts"), Serdes.String(), Serdes.Long()).withCachingEnabled(),
        "aggregate");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("files"), Serdes.String(), Serdes.String()).withCachingEnabled(),
        "aggregate");
    topology.addSink("sessions", output, new StringSerializer(), new ByteArraySerializer(), "aggregate");
    KafkaStreams streams = new KafkaStreams(topology, config);
    streams.setUncaughtExceptionHandler(
        e -> {
          e.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    long deadline = System.nanoTime() + 600_000_000_000L;
    while (EVENTS.get() < wanted && System.nanoTime() < deadline && streams.state() != KafkaStreams.State.ERROR) Thread.sleep(20);
    // What was processed and not yet committed is work still to be done.
    Thread.sleep(200);
    double wall = (System.nanoTime() - startedNanos) / 1e9 - 0.2;
    double cpu = (cpuNanos() - startedCpu) / 1e9;
    long events = EVENTS.get();
    System.out.printf(
        Locale.ROOT,
        "{\"events\":%d,\"sessions\":%d,\"wallSeconds\":%.3f,\"cpuSeconds\":%.3f}%n",
        events, CLOSED.get(), wall, cpu);
    System.out.flush();
    streams.close(Duration.ofSeconds(5));
    Runtime.getRuntime().halt(events >= wanted ? 0 : 1);
  }
}
