/// The S3 that the tests run against, as the environment names it, seen by the AWS SDK: it presigns, and it reads back.
module Live.Tests.Store

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Net
open System.Security.Cryptography
open System.Threading.Tasks
open Amazon.Runtime
open Amazon.S3
open Amazon.S3.Model
open Expecto

let private variable (name: string) =
    match Environment.GetEnvironmentVariable name with
    | null
    | "" -> None
    | value -> Some value

let private need (name: string) =
    match variable name with
    | Some value -> value
    | None -> skiptest $"{name} is not set; ./build.sh live starts an S3 and sets it"

/// Both ways to the same store. Without a TLS endpoint what needs one is skipped.
let endpoint () = Uri(need "LIVE_S3_ENDPOINT")

/// For what talks to it without TLS: the tests that look at the wire.
let plainEndpoint () =
    let at = endpoint ()

    if at.Scheme <> "http" then
        skiptest "LIVE_S3_ENDPOINT is https, and this looks at the wire"

    at

let tlsEndpoint () = Uri(need "LIVE_S3_TLS_ENDPOINT")

/// The authorities of the endpoint, where they are not the system's.
let caBundle () : string | null =
    variable "LIVE_S3_CA_BUNDLE" |> Option.toObj

let region () = need "LIVE_S3_REGION"
let accessKey () = need "LIVE_S3_ACCESS_KEY"
let secretKey () = need "LIVE_S3_SECRET_KEY"

/// The bucket of plain objects; those with versions and with a lock have its name and an ending.
let bucket () = need "LIVE_S3_BUCKET"

/// The command that ends and starts the daemons of the store, if it is a throw-away one.
let control () = need "LIVE_S3_CONTROL"

let private client =
    lazy
        (let config =
            AmazonS3Config(
                ServiceURL = (endpoint ()).AbsoluteUri,
                ForcePathStyle = true,
                AuthenticationRegion = region ()
            )

         // What the store keeps is compared by these tests, not by the SDK.
         config.ResponseChecksumValidation <- ResponseChecksumValidation.WHEN_REQUIRED
         config.RequestChecksumCalculation <- RequestChecksumCalculation.WHEN_REQUIRED
         new AmazonS3Client(BasicAWSCredentials(accessKey (), secretKey ()), config))

let private buckets = ConcurrentDictionary<string, Lazy<Task>>()

/// What the SDK lists: null where it found nothing.
let private listed (items: List<'a> | null) : 'a seq =
    match items with
    | null -> Seq.empty
    | items -> items

/// Makes a bucket once, if it is not there.
let private ensure (name: string) (make: unit -> Task) : Task<string> =
    task {
        let made =
            buckets.GetOrAdd(
                name,
                fun name ->
                    lazy
                        (task {
                            let! all = client.Value.ListBucketsAsync()

                            if listed all.Buckets |> Seq.forall (fun bucket -> bucket.BucketName <> name) then
                                do! make ()
                        }
                        :> Task)
            )

        do! made.Value
        return name
    }

let plainBucket () =
    let name = bucket ()
    ensure name (fun () -> client.Value.PutBucketAsync(PutBucketRequest(BucketName = name)))

let versionedBucket () =
    let name = bucket () + "-versions"

    ensure name (fun () ->
        task {
            let! _ = client.Value.PutBucketAsync(PutBucketRequest(BucketName = name))

            let! _ =
                client.Value.PutBucketVersioningAsync(
                    PutBucketVersioningRequest(
                        BucketName = name,
                        VersioningConfig = S3BucketVersioningConfig(Status = VersionStatus.Enabled)
                    )
                )

            return ()
        })

/// With a default retention of one day, in the mode that its owner may lift.
let lockedBucket () =
    let name = bucket () + "-locked"

    ensure name (fun () ->
        task {
            let! _ =
                client.Value.PutBucketAsync(
                    PutBucketRequest(BucketName = name, ObjectLockEnabledForBucket = true)
                )

            let retention =
                DefaultRetention(Mode = ObjectLockRetentionMode.Governance, Days = 1)

            let! _ =
                client.Value.PutObjectLockConfigurationAsync(
                    PutObjectLockConfigurationRequest(
                        BucketName = name,
                        ObjectLockConfiguration =
                            ObjectLockConfiguration(
                                ObjectLockEnabled = ObjectLockEnabled.Enabled,
                                Rule = ObjectLockRule(DefaultRetention = retention)
                            )
                    )
                )

            return ()
        })

/// A URL that the AWS SDK presigned, with headers that the signature covers.
let presignWith (verb: HttpVerb) (at: Uri) (bucket: string) (key: string) (headers: (string * string) list) =
    let request =
        GetPreSignedUrlRequest(
            BucketName = bucket,
            Key = key,
            Verb = verb,
            Protocol = (if at.Scheme = "https" then Protocol.HTTPS else Protocol.HTTP),
            Expires = DateTime.UtcNow.AddHours 2.
        )

    for name, value in headers do
        request.Headers[name] <- value

    if at = endpoint () then
        client.Value.GetPreSignedURL request
    else
        use other =
            new AmazonS3Client(
                BasicAWSCredentials(accessKey (), secretKey ()),
                AmazonS3Config(
                    ServiceURL = at.AbsoluteUri,
                    ForcePathStyle = true,
                    AuthenticationRegion = region ()
                )
            )

        other.GetPreSignedURL request

let presign (bucket: string) (key: string) =
    presignWith HttpVerb.PUT (endpoint ()) bucket key []

/// A URL that this project's own presigner signed, for what the SDK does not sign.
let presignOwn
    (signedAt: DateTimeOffset)
    (expires: TimeSpan)
    (access: string)
    (bucket: string)
    (key: string)
    =
    LoopbackS3.Presigner.Presign(
        "PUT",
        endpoint (),
        bucket,
        key,
        access,
        secretKey (),
        region (),
        signedAt,
        expires,
        null,
        null
    )

/// An object as the store gives it back.
type Stored = {
    Length: int64
    Sha256: string
    ETag: string
    VersionId: string option
    Metadata: Map<string, string>
}

let private isMissing (error: AmazonS3Exception) =
    error.StatusCode = HttpStatusCode.NotFound

/// Reads an object back, whole; `None` if there is none.
let readBackVersion (bucket: string) (key: string) (version: string | null) : Task<Stored option> =
    task {
        try
            use! response =
                client.Value.GetObjectAsync(
                    GetObjectRequest(BucketName = bucket, Key = key, VersionId = version)
                )

            use sha256 = IncrementalHash.CreateHash HashAlgorithmName.SHA256
            let buffer = Array.zeroCreate<byte>(1 <<< 20)
            let mutable length = 0L
            let mutable more = true

            while more do
                let! count = response.ResponseStream.ReadAsync(buffer.AsMemory())
                more <- count > 0
                length <- length + int64 count
                sha256.AppendData(buffer.AsSpan(0, count))

            return
                Some {
                    Length = length
                    Sha256 = Convert.ToHexStringLower(sha256.GetHashAndReset())
                    ETag = response.ETag
                    VersionId = Option.ofObj response.VersionId
                    Metadata =
                        Map.ofList [ for name in response.Metadata.Keys -> name, response.Metadata[name] ]
                }
        with :? AmazonS3Exception as error when isMissing error ->
            return None
    }

let readBack (bucket: string) (key: string) = readBackVersion bucket key null

/// Until when an object cannot be deleted.
let retainedUntil (bucket: string) (key: string) (version: string) =
    task {
        let! response =
            client.Value.GetObjectRetentionAsync(
                GetObjectRetentionRequest(BucketName = bucket, Key = key, VersionId = version)
            )

        return response.Retention.RetainUntilDate
    }

/// The keys below a prefix, all of them.
let keysBelow (bucket: string) (prefix: string) : Task<Set<string>> =
    task {
        let keys = HashSet<string>()
        let mutable token: string | null = null
        let mutable more = true

        while more do
            let! page =
                client.Value.ListObjectsV2Async(
                    ListObjectsV2Request(BucketName = bucket, Prefix = prefix, ContinuationToken = token)
                )

            for found in listed page.S3Objects do
                keys.Add found.Key |> ignore

            token <- page.NextContinuationToken
            more <- page.IsTruncated.GetValueOrDefault()

        return Set.ofSeq keys
    }

/// The keys of all versions below a prefix: a key of two versions appears twice.
let versionsBelow (bucket: string) (prefix: string) : Task<string list> =
    task {
        let keys = List<string>()
        let request = ListVersionsRequest(BucketName = bucket, Prefix = prefix)
        let mutable more = true

        while more do
            let! page = client.Value.ListVersionsAsync request
            keys.AddRange(listed page.Versions |> Seq.map _.Key)
            request.KeyMarker <- page.NextKeyMarker
            request.VersionIdMarker <- page.NextVersionIdMarker
            more <- page.IsTruncated.GetValueOrDefault()

        return List.ofSeq keys
    }
