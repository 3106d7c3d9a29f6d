// Everyday use of franz-go against one broker: franz_go HOST:PORT. Prints one JSON line with what it saw.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func produce(ctx context.Context, broker, topic string, codec kgo.CompressionCodec, name int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codec))
	must(err)
	for i := 0; i < 200; i++ {
		record := &kgo.Record{Topic: topic, Key: []byte(fmt.Sprint(i)), Value: []byte(fmt.Sprintf("%d-%0100d", name, i)),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}}}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { must(err) })
	}
	must(client.Flush(ctx))
	client.Close()
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	broker := os.Args[1]
	topic := fmt.Sprintf("franz-%d", time.Now().UnixNano())
	group := topic + "-group"
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	must(err)
	admin := kadm.NewClient(client)
	_, err = admin.CreateTopic(ctx, 3, 1, map[string]*string{"retention.ms": kadm.StringPtr("60000")}, topic)
	must(err)
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	for name, codec := range codecs {
		produce(ctx, broker, topic, codec, name)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(err)
	values := map[string]bool{}
	for len(values) < 1000 && ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		for _, failed := range fetches.Errors() {
			must(failed.Err)
		}
		fetches.EachRecord(func(record *kgo.Record) { values[string(record.Value)] = true })
	}
	must(consumer.CommitUncommittedOffsets(ctx))
	consumer.Close()
	lags, err := admin.Lag(ctx, group)
	must(err)
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	must(err)
	_, err = admin.DeleteGroup(ctx, group)
	must(err)
	_, err = admin.DeleteTopic(ctx, topic)
	must(err)
	lag := lags[group]
	seen, _ := json.Marshal(map[string]any{"consumed": len(values), "lag": lag.Lag.Total(), "settings": len(configs[0].Configs)})
	fmt.Println(string(seen))
}
