/// The AWS SDK signs, this server verifies: two independent readings of the same rules.
module SdkTests

open System
open System.Collections.Generic
open Amazon.Runtime
open Amazon.S3
open Amazon.S3.Model
open Expecto
open LoopbackS3
open Client

let private keys = [
    "plain.txt"
    "with space/and more.txt"
    "ünïcode/日本語/🗄.bin"
    "a+b"
    "100%/%41%2F"
    "~tilde~"
    "double//slash///x"
    "(parentheses)!*"
    "'single' \"double\""
    "a=b&c?d#e;f,g:h@i$j"
    "./dot/../segments/."
    "[brackets]{braces}|\\^`"
]

let private sdk (server: LoopbackS3Server) =
    new AmazonS3Client(
        BasicAWSCredentials(options.AccessKey, options.SecretKey),
        AmazonS3Config(
            ServiceURL = string server.Endpoint,
            ForcePathStyle = true,
            AuthenticationRegion = options.Region
        )
    )

let private presign (client: AmazonS3Client) verb key =
    client.GetPreSignedURL(
        GetPreSignedUrlRequest(
            BucketName = "evidence",
            Key = key,
            Verb = verb,
            Protocol = Protocol.HTTP,
            Expires = DateTime.UtcNow.AddMinutes 10.
        )
    )

let private parameters (url: string) =
    url.Substring(url.IndexOf '?' + 1).Split '&'
    |> Array.map (fun pair ->
        let at = pair.IndexOf '='
        Uri.UnescapeDataString(pair.Substring(0, at)), Uri.UnescapeDataString(pair.Substring(at + 1)))
    |> Map.ofArray

/// What the SDK signed, signed again by this project's presigner.
let private again (server: LoopbackS3Server) (verb: string) key (url: string) =
    let given = parameters url

    let extra =
        given |> Map.filter (fun name _ -> not (name.StartsWith "X-Amz-")) |> Dictionary

    let signedAt =
        DateTimeOffset.ParseExact(given["X-Amz-Date"], "yyyyMMdd'T'HHmmssZ", null)

    Presigner.Presign(
        verb,
        server.Endpoint,
        "evidence",
        key,
        options.AccessKey,
        options.SecretKey,
        options.Region,
        signedAt,
        TimeSpan.FromSeconds(float given["X-Amz-Expires"]),
        query = extra
    )

[<Tests>]
let tests =
    testList "AWS SDK as signer" [
        for key in keys ->
            testCaseTask $"put and get {key}" (fun () ->
                task {
                    use! server =
                        LoopbackS3Server.StartAsync(LoopbackS3Options(Buckets = options.Buckets))

                    use client = sdk server
                    let url = presign client HttpVerb.PUT key
                    let! stored = send (request "PUT" url (Some(bytes key)) [])
                    Expect.equal (stored.Status, stored.Text) (200, "") "PUT"

                    Expect.equal
                        [ for name in server.Objects.Keys -> name.ToTuple() ]
                        [ "evidence", key ]
                        "stored"

                    let! got = send (request "GET" (presign client HttpVerb.GET key) None [])
                    Expect.equal (got.Status, got.Text) (200, key) "GET"

                    let ours = again server "PUT" key url

                    let signature url =
                        parameters url |> Map.find "X-Amz-Signature"

                    Expect.equal (signature ours) (signature url) "the signature of our presigner"
                })
    ]
