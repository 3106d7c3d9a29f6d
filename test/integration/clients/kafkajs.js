// Everyday use of kafkajs against one broker: node kafkajs.js HOST:PORT. Prints one JSON line with what it saw.
const { Kafka, logLevel, CompressionTypes } = require('kafkajs')

const kafka = new Kafka({ clientId: 'js', brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
const topic = 'js-' + Date.now()
const groupId = 'js-group-' + Date.now()

async function main() {
  const seen = {}
  const admin = kafka.admin()
  await admin.connect()
  seen.created = await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'cleanup.policy', value: 'delete' }] }] })

  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  for (let i = 0; i < 10; i++) {
    const messages = Array.from({ length: 20 }, (_, j) => ({ key: 'k' + j, value: `v${i}-${j}`, headers: { h: 'x' } }))
    await producer.send({ topic, compression: i % 2 ? CompressionTypes.GZIP : CompressionTypes.None, messages })
  }

  const values = new Set()
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { values.add(message.value.toString()) } })
  const end = Date.now() + 20000
  while (values.size < 200 && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 20))
  seen.consumed = values.size
  seen.state = (await admin.describeGroups([groupId])).groups[0].state
  await consumer.disconnect()
  seen.committed = (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions.reduce((sum, part) => sum + Number(part.offset), 0)

  await admin.alterConfigs({ resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '1000' }] }] })
  const described = await admin.describeConfigs({ resources: [{ type: 2, name: topic }], includeSynonyms: false })
  seen.settings = described.resources[0].configEntries.length
  seen.retention = described.resources[0].configEntries.find(entry => entry.configName === 'retention.ms').configValue
  await producer.send({ topic: topic + '-auto', messages: [{ value: 'x' }] })
  await admin.deleteGroups([groupId])
  await admin.deleteTopics({ topics: [topic, topic + '-auto'] })
  seen.left = (await admin.listTopics()).filter(name => name.startsWith(topic)).length
  await producer.disconnect()
  await admin.disconnect()
  console.log(JSON.stringify(seen))
}

main().catch(error => { console.error(error); process.exit(1) })
