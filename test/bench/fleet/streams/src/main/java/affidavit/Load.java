package affidavit;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Makes the peer's topics and fills the input from a file of (16-bit key length, key, 32-bit value length, value), big-endian.
 *
 * <p>Arguments: BROKERS INPUT OUTPUT PARTITIONS FILE.
 */
public final class Load {
  public static void main(String[] args) throws Exception {
    int partitions = Integer.parseInt(args[3]);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
      short one = 1;
      admin.createTopics(List.of(new NewTopic(args[1], partitions, one), new NewTopic(args[2], partitions, one))).all().get();
    }
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("acks", "all");
    config.put("batch.size", "262144");
    config.put("linger.ms", "20");
    long records = 0;
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(Path.of(args[4])), 1 << 20))) {
      while (true) {
        int keyLength;
        try {
          keyLength = in.readUnsignedShort();
        } catch (EOFException end) {
          break;
        }
        byte[] key = in.readNBytes(keyLength);
        byte[] value = in.readNBytes(in.readInt());
        producer.send(new ProducerRecord<>(args[1], key, value));
        records++;
      }
    }
    System.out.println(records);
  }
}
