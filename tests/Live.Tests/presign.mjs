// A second opinion on presigning: the AWS SDK for JavaScript makes a table of URLs.
// Standard input: {"endpoint","region","accessKey","secretKey","bucket","keys":[…],"checksums":"WHEN_REQUIRED"|"WHEN_SUPPORTED"}
// Standard output: {key: url, …}
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

let input = "";
for await (const chunk of process.stdin) input += chunk;
const { endpoint, region, accessKey, secretKey, bucket, keys, checksums } = JSON.parse(input);

const client = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  requestChecksumCalculation: checksums,
});

const table = {};
for (const key of keys)
  table[key] = await getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: 3600 });
console.log(JSON.stringify(table));
