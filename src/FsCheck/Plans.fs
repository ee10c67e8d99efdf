namespace CellOS.Export.S3.Generators

open System
open System.Collections.Generic
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// Settings and plans: what a push knows before it begins.
[<RequireQualifiedAccess>]
module Plans =

    let private ms (milliseconds: int) =
        TimeSpan.FromMilliseconds(float milliseconds)

    /// Up to five attempts, in either mode, with waits from nothing to minutes.
    let retry: Gen<RetryPolicy> =
        gen {
            let! mode = Gen.elements [ RetryMode.Fixed; RetryMode.Fixed; RetryMode.Exponential ]

            let! attempts =
                Gen.frequency [ 1, Gen.constant 1; 9, Gen.elements [ 2; 3; 4; 5; 5; 5 ] ]

            let! backoff = Gen.elements [ 0; 1; 500; 500; 60000 ]
            let! cap = Gen.elements [ 0; 700; 20000; 20000; 600000 ]
            return Made.ok (RetryPolicy.create mode attempts (ms backoff) (ms cap))
        }

    /// Limits in time: short ones and long ones, with a deadline and without.
    let limits: Gen<Limits> =
        gen {
            let! request = Gen.elements [ 1; 5000; 30000 ]
            let! stall = Gen.elements [ None; Some(ms 100) ]

            let! deadline =
                Gen.frequency [
                    12, Gen.constant None
                    1, Gen.constant (Some(ms 1))
                    11, Gen.elements [ Some(ms 2000); Some(ms 6000); Some(ms 12000); Some(ms 120000) ]
                ]

            return {
                ConnectTimeout = ms 10000
                RequestTimeout = ms request
                StallTimeout = stall
                Deadline = deadline
            }
        }

    /// The header that carries a customer's own key (SSE-C), a secret.
    [<Literal>]
    let CustomerKey = "x-amz-server-side-encryption-customer-key"

    /// A gateway's header, whose value is a secret.
    [<Literal>]
    let GatewayToken = "X-Gateway-Token"

    /// Headers that a caller may ask for, mostly none; the values of `CustomerKey` and `GatewayToken` are secrets.
    let headers: Gen<KeyValuePair<string, string> list> =
        gen {
            let! key = Texts.secret
            let! token = Texts.secret
            let! value = Gen.elements [ "42"; "cell-1"; "a  b"; String('x', 300) ]

            let! chosen =
                Gen.subListOf [
                    "x-amz-meta-run", value
                    "X-Amz-Acl", "bucket-owner-full-control"
                    "Cache-Control", "no-store"
                    CustomerKey, key
                    GatewayToken, token
                ]

            let! chosen =
                Gen.frequency [ 4, Gen.constant []; 3, Gen.constant (List.ofSeq chosen) ]

            return [ for name, value in chosen -> KeyValuePair(name, value) ]
        }

    /// The values of a generated plan's headers that no message, log or receipt may hold.
    let secretsOf (plan: PushPlan) : string list =
        plan.Headers
        |> List.filter (fun header -> header.Name = CustomerKey || header.Name = GatewayToken)
        |> List.map RequestHeader.reveal

    let private template (url: PlantedUrl) = Made.ok (UrlTemplate.parse url.Url)

    /// A plan for one artifact of a cell with any settings that still lacks its URL.
    let internal draft (cellId: CellId) (artifact: ArtifactName) : Gen<PlantedUrl option -> PushPlan> =
        gen {
            let! retry = retry
            let! limits = limits

            let! integrity =
                Gen.elements [ IntegrityMode.Off; IntegrityMode.Verify; IntegrityMode.Require ]

            let! contentMd5 = Gen.elements [ true; false; false ]
            let! writeOnce = Gen.elements [ true; false ]
            let! acceptUnmarked = Gen.elements [ true; false; false ]
            let! keyCheck = Gen.elements [ true; true; false ]

            let! expectFrom =
                Gen.elements [ Some 0L; Some 0L; Some 1L; Some Target.DefaultExpectContinueFrom; None ]

            let! name = Gen.optionOf Names.targetName
            let! general = headers
            let! own = headers

            let target (url: PlantedUrl option) =
                Target.create cellId (Made.ok (Bucket.create "evidence")) (Option.map template url)

            return
                fun url ->
                    PushPlan.create
                        {
                            target url with
                                Name = name
                                Headers = Made.ok (RequestHeaders.create general)
                                Retry = retry
                                Limits = limits
                                Integrity = integrity
                                ContentMd5 = contentMd5
                                WriteOnce = writeOnce
                                AcceptUnmarked = acceptUnmarked
                                KeyCheck = keyCheck
                                ExpectContinueFrom = expectFrom
                                Region = Some "us-west-2"
                                MaxObjectBytes = 1000L
                        }
                        artifact
                    |> Made.ok
                    |> PushPlan.withHeaders own
                    |> Made.ok
        }

    /// A plan for one artifact of a cell with any settings: with the URL, or, where there is none, with one to be asked
    /// for. Up to 1,000 bytes are allowed.
    let forArtifact (cellId: CellId) (artifact: ArtifactName) (url: PlantedUrl option) : Gen<PushPlan> =
        draft cellId artifact |> Gen.map (fun make -> make url)

    /// The key of an artifact of a cell, without a prefix.
    let internal keyOf (cellId: CellId) (artifact: ArtifactName) : string =
        $"{CellId.value cellId}/{ArtifactName.value artifact}"

    /// Names of which a key can be made: it is not longer than S3 allows.
    let internal names: Gen<CellId * ArtifactName> =
        Gen.zip Names.cellId Names.artifactName
        |> Gen.filter (fun (cellId, artifact) -> (ObjectKey.create KeyPrefix.none cellId artifact).IsOk)

    /// A plan for any artifact with any settings, half of them with a presigned URL.
    let any: Gen<PushPlan> =
        gen {
            let! cellId, artifact = names

            let! url =
                Gen.frequency [
                    4, Gen.constant None
                    3, Urls.forObject (keyOf cellId artifact) |> Gen.map Some
                    1, Urls.presigned |> Gen.map Some
                ]

            return! forArtifact cellId artifact url
        }
