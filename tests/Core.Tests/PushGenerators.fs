/// Plans, outcomes and scripts of inputs for the push machine.
module CellOS.Export.S3.Core.Tests.PushGenerators

open System
open System.Collections.Generic
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let ms (milliseconds: int) =
    TimeSpan.FromMilliseconds(float milliseconds)

/// What becomes of one output of the machine.
type Step = {
    /// How far the clock moves meanwhile; backwards too.
    Drift: TimeSpan
    Roll: float
    Outcome: Outcome
    /// The answer to `AskUrl`: a URL, or why there is none.
    Answer: Result<RequestUrl, string>
    /// The answer to `TakeMd5`: an MD5, or what is wrong with the source.
    Digest: Result<string, Fault>
    /// Whether a wait, or the taking of the MD5, is interrupted.
    Early: bool
}

type Script = {
    Plan: PushPlan
    /// The URLs that the plan or an answer may hold.
    Urls: Planted list
    StartedAt: DateTimeOffset
    Length: int64
    Steps: Step list
}

let policy mode attempts (backoff: int) (cap: int) =
    match RetryPolicy.create mode attempts (ms backoff) (ms cap) with
    | Ok policy -> policy
    | Error refusals -> failwithf "The generator made a wrong policy: %A" refusals

let private policies =
    gen {
        let! mode = Gen.elements [ RetryMode.Fixed; RetryMode.Fixed; RetryMode.Exponential ]
        let! attempts = Gen.choose (1, 5)
        let! backoff = Gen.elements [ 0; 1; 500; 60000 ]
        let! cap = Gen.elements [ 0; 700; 20000; 600000 ]
        return policy mode attempts backoff cap
    }

let private limits =
    gen {
        let! request = Gen.elements [ 1; 5000; 30000 ]
        let! stall = Gen.elements [ None; Some(ms 100) ]

        let! deadline =
            Gen.elements [ None; None; Some(ms 1); Some(ms 2000); Some(ms 120000) ]

        return {
            ConnectTimeout = ms 10000
            RequestTimeout = ms request
            StallTimeout = stall
            Deadline = deadline
        }
    }

let plan (url: string option) (change: Target -> Target) =
    let ok result =
        match result with
        | Ok value -> value
        | Error refusal -> failwithf "A wrong plan: %O" refusal

    let target =
        Target.create
            (ok (CellId.create "cell-1"))
            (ok (Bucket.create "evidence"))
            (url |> Option.map (UrlTemplate.parse >> ok))

    ok (PushPlan.create (change target) (ok (ArtifactName.create "logs/out.txt")))

let customerKey = "x-amz-server-side-encryption-customer-key"

let pairs (headers: (string * string) list) =
    headers |> List.map (fun (name, value) -> KeyValuePair(name, value))

/// Headers that a caller may ask for; the values of some are secrets.
let private askedHeaders =
    gen {
        let! key = secret
        let! token = secret
        let! value = Gen.elements [ "42"; "cell-1"; "a  b"; String('x', 300) ]

        let all = [
            "x-amz-meta-run", value
            "X-Amz-Acl", "bucket-owner-full-control"
            "Cache-Control", "no-store"
            customerKey, key
            "X-Gateway-Token", token
        ]

        let! chosen = Gen.subListOf all
        return! Gen.frequency [ 3, Gen.constant []; 2, Gen.constant (List.ofSeq chosen) ]
    }

/// The values of headers that no text may hold.
let secretsOfHeaders (plan: PushPlan) =
    plan.Headers
    |> List.filter (fun header -> header.Name = customerKey || header.Name = "X-Gateway-Token")
    |> List.map RequestHeader.reveal

let private plans (url: string option) =
    gen {
        let! policy = policies
        let! limits = limits

        let! integrity =
            Gen.elements [ IntegrityMode.Off; IntegrityMode.Verify; IntegrityMode.Require ]

        let! contentMd5 = Gen.elements [ true; false; false ]
        let! writeOnce = Gen.elements [ true; false ]
        let! name = Gen.optionOf targetName
        let! general = askedHeaders
        let! own = askedHeaders

        let orFail result =
            match result with
            | Ok value -> value
            | Error problems -> failwithf "A wrong header: %A" problems

        return
            plan url (fun target -> {
                target with
                    Name = name
                    Headers = orFail (RequestHeaders.create (pairs general))
                    Retry = policy
                    Limits = limits
                    Integrity = integrity
                    ContentMd5 = contentMd5
                    WriteOnce = writeOnce
                    Region = Some "us-west-2"
                    MaxObjectBytes = 1000L
            })
            |> PushPlan.withHeaders (pairs own)
            |> orFail
    }

let sha256 = String('a', 64)
let md5 = String('b', 32)

let private sent length =
    gen {
        let! bytes = Gen.frequency [ 20, Gen.constant length; 1, Gen.constant (length + 1L) ]

        let! sha =
            Gen.frequency [ 20, Gen.constant sha256; 1, Gen.constant (String('c', 64)) ]

        let! md5 = Gen.frequency [ 3, Gen.constant (Some md5); 1, Gen.constant None ]

        return {
            Bytes = bytes
            Sha256 = sha
            Md5 = md5
        }
    }

/// Texts of a server: some echo what it was sent.
let private echo (secrets: string list) =
    Gen.frequency [
        2, anyText
        1, Gen.elements [ "1"; "30"; "999999"; "Sun, 01 Mar 2026 12:00:05 GMT"; "AES256"; "aws:kms" ]
        3,
        Gen.elements ("plain" :: secrets)
        |> Gen.map (fun secret -> $"see {secret} there")
    ]

let private statuses =
    Gen.frequency [
        6, Gen.elements [ 200; 204 ]
        6, Gen.elements [ 500; 503; 429; 408 ]
        2, Gen.elements [ 400; 403; 404; 409; 412; 301; 307; 100; 600 ]
        1, Gen.choose (-1, 700)
    ]

let private codes =
    Gen.frequency [
        3,
        Gen.elements [
            "SlowDown"
            "BadDigest"
            "IncompleteBody"
            "RequestTimeout"
            "OperationAborted"
        ]
        2, Gen.elements [ "ExpiredToken"; "AccessDenied"; "SignatureDoesNotMatch"; "NoSuchBucket" ]
        1, alphanumeric 1 12
    ]

let reply (length: int64) (secrets: string list) =
    gen {
        let! status = statuses
        let! sent = Gen.frequency [ 5, sent length |> Gen.map Some; 1, Gen.constant None ]
        let! texts = Gen.listOfLength 14 (Gen.optionOf (echo secrets))
        let! code = Gen.optionOf codes

        let! etag =
            Gen.elements [ texts[0]; Some $"\"{md5}\""; Some $"\"{String('0', 32)}\""; None ]

        let! expired = Gen.elements [ texts[9]; Some "Request has expired" ]

        return {
            Status = status
            ETag = etag
            VersionId = texts[1]
            RequestId = texts[2]
            HostId = texts[3]
            ServerSideEncryption = texts[4]
            CustomerAlgorithm = None
            ChecksumSha256 = texts[5]
            RetryAfter = texts[6]
            AmzRetryAfter = texts[7]
            BucketRegion = texts[8]
            RedirectHost = texts[13]
            Error =
                code
                |> Option.map (fun code -> {
                    Code = code
                    Message = expired
                    RequestId = texts[10]
                    HostId = texts[11]
                    Region = texts[12]
                    Endpoint = texts[13]
                })
            Sent = sent
        }
    }

let private faultKinds =
    Gen.frequency [
        6,
        Gen.elements [
            FaultKind.ConnectionReset
            FaultKind.NameResolution
            FaultKind.RequestTimeout
            FaultKind.ConnectTimeout
            FaultKind.StallTimeout
            FaultKind.RedirectFollowed
            FaultKind.Proxy
        ]
        1,
        Gen.elements [
            FaultKind.CertificateUntrusted
            FaultKind.SourceUnreadable
            FaultKind.SourceChanged
        ]
    ]

let fault (sent: Gen<Sent option>) (secrets: string list) =
    gen {
        let! kind = faultKinds
        let! sent = sent
        let! detail = echo secrets
        let! bytes = Gen.choose (0, 100)
        let! proxyStatus = Gen.elements [ None; Some 403; Some 407; Some 502 ]

        return {
            Kind = kind
            Detail = detail
            BytesSent = int64 bytes
            Sent = sent
            ProxyStatus = if kind = FaultKind.Proxy then proxyStatus else None
        }
    }

let outcome (length: int64) (secrets: string list) =
    Gen.frequency [
        4, reply length secrets |> Gen.map Outcome.Replied
        1, fault (Gen.constant None) secrets |> Gen.map Outcome.NotSent
        1, fault (Gen.optionOf (sent length)) secrets |> Gen.map Outcome.Unknown
    ]

let private drift =
    Gen.frequency [
        6, Gen.choose (0, 3000)
        1, Gen.choose (-5000, 0)
        1, Gen.elements [ -86400000; 86400000; 3600000; 900000 ]
    ]
    |> Gen.map ms

let roll = Gen.elements [ 0.; 0.5; Math.BitDecrement 1.; 1.; -1.; nan; infinity ]

let private badMd5 =
    Gen.elements [ ""; String('b', 31); String('g', 32); String('b', 33) ]

let private digest (secrets: string list) =
    Gen.frequency [
        8, Gen.constant (Ok md5)
        1, Gen.constant (Ok(md5.ToUpperInvariant()))
        4, Gen.constant (Ok(String('d', 32)))
        1, fault (Gen.constant None) secrets |> Gen.map Error
    ]

let private step (length: int64) (plan: PushPlan) (urls: Planted list) =
    gen {
        let secrets = secretsOfHeaders plan @ (urls |> List.collect _.Echoes)
        let! drift = drift
        let! roll = roll
        let! outcome = outcome length secrets
        let! url = Gen.elements urls
        let! reason = echo secrets
        let! early = Gen.elements [ true; false; false ]
        let! digest = digest secrets

        let! answer =
            Gen.frequency [ 9, Gen.constant (Ok(parsed url.Url)); 1, Gen.constant (Error reason) ]

        return {
            Drift = drift
            Roll = roll
            Outcome = outcome
            Answer = answer
            Digest = digest
            Early = early
        }
    }

/// Scripts of a driver that keeps to the protocol, however its clock, its server and its URLs behave.
let scripts =
    gen {
        let! urls = Gen.listOfLength 3 presigned
        let! asked = Gen.elements [ true; false ]
        let! plan = plans (if asked then None else Some urls.Head.Url)
        let urls = if asked then urls else [ urls.Head ]

        let! length =
            Gen.frequency [ 9, Gen.elements [ 0L; 1L; 1000L ]; 1, Gen.elements [ 1001L; -1L ] ]

        let! start = Gen.choose (-1200, 1200)
        let! steps = Gen.listOfLength 16 (step length plan urls)

        return {
            Plan = plan
            Urls = urls
            StartedAt = noon.AddSeconds(float start)
            Length = length
            Steps = steps
        }
    }

let private instants =
    Gen.frequency [
        8,
        Gen.choose (-100000, 100000)
        |> Gen.map (fun seconds -> noon.AddSeconds(float seconds))
        1,
        Gen.elements [
            DateTimeOffset.MinValue
            DateTimeOffset.MaxValue
            DateTimeOffset(DateTime.MaxValue, TimeSpan.FromHours 14.)
            DateTimeOffset(DateTime.MinValue, TimeSpan.FromHours -14.)
        ]
    ]

let private input (length: int64) (plan: PushPlan) (urls: Planted list) =
    gen {
        let! at = instants
        let! step = step length plan urls

        let! fault =
            fault (Gen.constant None) (secretsOfHeaders plan @ (urls |> List.collect _.Echoes))

        let! md5 =
            Gen.frequency [ 4, Gen.constant md5; 1, badMd5; 1, Gen.constant fault.Detail ]

        let! input =
            Gen.frequency [
                3, Gen.constant (Input.Started(at, length))
                1, Gen.constant (Input.NoSource(at, fault))
                3, Gen.constant (Input.UrlGiven(at, parsed urls.Head.Url))
                1, Gen.constant (Input.NoUrl(at, fault.Detail))
                3, Gen.constant (Input.Md5Taken(at, md5))
                6, Gen.constant (Input.Attempted(at, step.Roll, step.Outcome))
                4, Gen.constant (Input.Woke at)
            ]

        return input
    }

/// Any inputs in any order.
let misuse =
    gen {
        let! url = presigned
        let! asked = Gen.elements [ true; false ]
        let! plan = plans (if asked then None else Some url.Url)
        let! length = Gen.elements [ 0L; 1000L; Int64.MaxValue; Int64.MinValue ]
        let! started = Gen.elements [ true; true; false ]
        let! first = instants
        let! inputs = Gen.listOf (input length plan [ url ])
        let inputs = if started then Input.Started(first, 1000L) :: inputs else inputs
        return plan, [ url ], inputs
    }
