/// The AWS SDK computes checksums and verifies those that it gets: a second reading of what they are.
module SdkChecksumTests

open System
open System.Collections.Generic
open System.IO
open Amazon.Runtime
open Amazon.S3
open Amazon.S3.Model
open Expecto
open LoopbackS3
open Client

let private body = patterned 100_003

/// The SDK signs in a header, which this server does not verify; its presigned URLs have tests below.
let private serving (dialect: Dialect) =
    LoopbackS3Server.StartAsync(
        LoopbackS3Options(
            Buckets = [| Bucket("gateway", IsBehindGateway = true); Bucket "evidence" |],
            Dialect = dialect
        )
    )

let private sdk (server: LoopbackS3Server) =
    new AmazonS3Client(
        BasicAWSCredentials(options.AccessKey, options.SecretKey),
        AmazonS3Config(
            ServiceURL = string server.Endpoint,
            ForcePathStyle = true,
            AuthenticationRegion = options.Region,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_SUPPORTED,
            MaxErrorRetry = 0
        )
    )

let private upload (change: PutObjectRequest -> unit) =
    let request =
        PutObjectRequest(
            BucketName = "gateway",
            Key = "k",
            InputStream = new MemoryStream(body),
            UseChunkEncoding = false
        )

    change request
    request

let private returned (reply: PutObjectResponse) = [
    reply.ChecksumCRC32
    reply.ChecksumCRC32C
    reply.ChecksumCRC64NVME
    reply.ChecksumSHA1
    reply.ChecksumSHA256
]

/// What the SDK computes by itself. The two others need a package of native code, so that they are given to it: the
/// values are those of the AWS SDK for JavaScript.
let private algorithms: (ChecksumAlgorithm * (PutObjectRequest -> unit)) list = [
    for algorithm in [ ChecksumAlgorithm.CRC32; ChecksumAlgorithm.SHA1; ChecksumAlgorithm.SHA256 ] do
        algorithm, (fun request -> request.ChecksumAlgorithm <- algorithm)
    ChecksumAlgorithm.CRC32C, (fun request -> request.ChecksumCRC32C <- "f9Nq/A==")
    ChecksumAlgorithm.CRC64NVME, (fun request -> request.ChecksumCRC64NVME <- "63/CVATMsuM=")
]

[<Tests>]
let tests =
    testList "AWS SDK" [
        for algorithm, change in algorithms do
            testCaseTask $"uploads with {algorithm} and gets its checksum back" (fun () ->
                task {
                    use! server = serving Dialect.AmazonS3
                    use client = sdk server
                    let! reply = client.PutObjectAsync(upload change)
                    let header = $"x-amz-checksum-{algorithm.Value.ToLowerInvariant()}"
                    let sent = server.Requests[0].Headers[header]
                    Expect.sequenceEqual (returned reply |> List.filter (isNull >> not)) [ sent ] header
                    Expect.equal (string reply.ChecksumType) "FULL_OBJECT" "type"
                    Expect.equal server.Objects[struct ("gateway", "k")].Bytes body "bytes"
                })

        for algorithm, change in List.take 3 algorithms do
            testCaseTask $"verifies {algorithm} in what it downloads" (fun () ->
                task {
                    use! server = serving Dialect.AmazonS3
                    use client = sdk server
                    let! _ = client.PutObjectAsync(upload change)

                    use! got =
                        client.GetObjectAsync(
                            GetObjectRequest(
                                BucketName = "gateway",
                                Key = "k",
                                ChecksumMode = ChecksumMode.ENABLED
                            )
                        )

                    let metadata = got.ResponseMetadata
                    Expect.equal (string metadata.ChecksumAlgorithm) (string algorithm) "algorithm"

                    Expect.equal
                        metadata.ChecksumValidationStatus
                        ChecksumValidationStatus.PENDING_RESPONSE_READ
                        "the SDK compares at the end of the body"

                    use copy = new MemoryStream()
                    do! got.ResponseStream.CopyToAsync copy
                    Expect.equal (copy.ToArray()) body "bytes"
                })
    ]

let private presign (client: AmazonS3Client) header (value: string) =
    let url =
        GetPreSignedUrlRequest(
            BucketName = "evidence",
            Key = "k",
            Verb = HttpVerb.PUT,
            Protocol = Protocol.HTTP,
            Expires = DateTime.UtcNow.AddMinutes 10.
        )

    url.Headers[header] <- value
    client.GetPreSignedURL url

let private parameter (name: string) (url: string) =
    let pair =
        url.Split('?', '&') |> Array.find (fun pair -> pair.StartsWith(name + "="))

    Uri.UnescapeDataString(pair.Substring(name.Length + 1))

[<Tests>]
let presigned =
    testList "AWS SDK as signer of checksums" [
        for header, value in
            [
                "x-amz-checksum-crc32", "DUoRhQ=="
                "x-amz-checksum-crc32c", "yZRlqg=="
                "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="
                "x-amz-checksum-sha1", "Kq5sNclPz7QV2+lfQIuc6R7oRu0="
                "x-amz-checksum-sha256", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="
            ] do
            testCaseTask
                $"a URL with {header} is signed as by our presigner, and fixes the content"
                (fun () ->
                    task {
                        use! server = serving Dialect.AmazonS3
                        use client = sdk server
                        let url = presign client header value
                        Expect.stringContains (parameter "X-Amz-SignedHeaders" url) header "signed"

                        let ours =
                            Presigner.Presign(
                                "PUT",
                                server.Endpoint,
                                "evidence",
                                "k",
                                options.AccessKey,
                                options.SecretKey,
                                options.Region,
                                DateTimeOffset.ParseExact(
                                    parameter "X-Amz-Date" url,
                                    "yyyyMMdd'T'HHmmssZ",
                                    null
                                ),
                                TimeSpan.FromSeconds(float (parameter "X-Amz-Expires" url)),
                                headers = Dictionary(dict [ header, value ])
                            )

                        let signature = parameter "X-Amz-Signature"
                        Expect.equal (signature ours) (signature url) "signature"
                        let! other = send (request "PUT" url (Some(bytes "hello worle")) [ header, value ])
                        Expect.equal (other.Status, other.Code) (400, "BadDigest") other.Text
                        let! right = send (request "PUT" url (Some(bytes "hello world")) [ header, value ])
                        Expect.equal (right.Status, right.Header header) (200, value) right.Text
                    })
    ]
