namespace CellOS.Export.S3.Generators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// The outcomes of an attempt: replies and faults, plain ones of one class, and any, whose texts may echo secrets.
/// `Verdict.ofOutcome` says what follows from each.
[<RequireQualifiedAccess>]
module Outcomes =

    /// Digests of made-up content, one of each algorithm: all octets of a digest are the same.
    let private digestsOf (octet: byte) (sha256Octet: byte) : Digest list =
        DigestAlgorithm.all
        |> List.choose (fun algorithm ->
            let octet = if algorithm.IsSha256 then sha256Octet else octet
            Digest.TryCreate(algorithm, ReadOnlySpan(Array.replicate algorithm.Size octet)))

    let private find (algorithm: DigestAlgorithm) (digests: Digest list) =
        digests |> List.find (fun digest -> digest.Algorithm = algorithm)

    /// The digests of the made-up source that all attempts send, one of each algorithm.
    let digests: Digest list = digestsOf 0xbbuy 0xaauy

    /// The digests of other content, one of each algorithm.
    let otherDigests: Digest list = digestsOf 0xdduy 0xccuy

    /// The SHA-256 of the made-up source, in hexadecimal digits.
    let sha256 = (find DigestAlgorithm.Sha256 digests).Hex

    /// Its MD5, in hexadecimal digits.
    let md5 = (find DigestAlgorithm.Md5 digests).Hex

    let private sentOf (bytes: int64) (digests: Digest list) : Sent = {
        Bytes = bytes
        Sha256 = find DigestAlgorithm.Sha256 digests
        Others = digests |> List.filter (fun digest -> not digest.Algorithm.IsSha256)
    }

    /// What an attempt sends that sends all of a source of this length, with all digests.
    let whole (length: int64) : Sent = sentOf length digests

    /// What was sent of a source of this length: all of it as a rule, with all digests or without the MD5; now and then
    /// the source had another length or another content.
    let sent (length: int64) : Gen<Sent> =
        gen {
            let! bytes = Gen.frequency [ 8, Gen.constant length; 1, Gen.constant (length + 1L) ]

            let! digests =
                Gen.frequency [ 8, Gen.constant digests; 1, Gen.constant otherDigests ]

            let! hasMd5 = Gen.elements [ true; true; true; false ]
            let sent = sentOf bytes digests

            return {
                sent with
                    Others = sent.Others |> List.filter (fun digest -> hasMd5 || not digest.Algorithm.IsMd5)
            }
        }

    /// The header by which a store reports a digest, and its value.
    let private asReported (digest: Digest) : Gen<ReportedChecksum> =
        let amz = $"x-amz-checksum-{digest.Algorithm.Name}", digest.Base64

        match digest.Algorithm with
        | DigestAlgorithm.Md5 -> [
            "content-md5", digest.Base64
            "opc-content-md5", digest.Base64
            "x-goog-hash", $"md5={digest.Base64}"
          ]
        | DigestAlgorithm.Crc32C -> [ amz; "x-goog-hash", $"crc32c={digest.Base64}" ]
        | DigestAlgorithm.Crc64Xz ->
            let number =
                Made.number "0" (float (Convert.ToUInt64(digest.Hex.Substring(0, 8), 16)))

            [ "x-oss-hash-crc64ecma", number; "x-cos-hash-crc64ecma", number ]
        | _ -> [ amz; fst amz, digest.Base64.TrimEnd '='; fst amz, digest.Hex ]
        |> Gen.elements
        |> Gen.map (fun (header, value) -> { Header = header; Value = value })

    /// Checksums that a response reports: none, some of the source's, some of other content, or of an upload in parts.
    let checksums: Gen<ReportedChecksum list> =
        let inParts (checksum: ReportedChecksum) = {
            checksum with
                Value = checksum.Value + "-2"
        }

        let one =
            Gen.frequency [
                6, Gen.elements digests |> Gen.bind asReported
                1, Gen.elements otherDigests |> Gen.bind asReported
                1, Gen.elements otherDigests |> Gen.bind asReported |> Gen.map inParts
            ]

        Gen.frequency [
            3, Gen.constant []
            2, one |> Gen.map List.singleton
            1, Gen.listOfLength 2 one
        ]

    /// Texts of a server or a proxy: anything; some echo the secrets that it was sent.
    let text (secrets: string list) : Gen<string> =
        Gen.frequency [
            2, Texts.any
            1, Gen.elements [ "1"; "30"; "999999"; "Sun, 01 Mar 2026 12:00:05 GMT"; "AES256"; "aws:kms" ]
            3,
            Gen.elements ("plain" :: secrets)
            |> Gen.map (fun secret -> $"see {secret} there")
        ]

    /// An outcome in a few words, such as `HTTP 503 SlowDown`, for people who look at what broke a law.
    let inWords (outcome: Outcome) : string =
        match outcome with
        | Outcome.NotSent fault -> $"{fault.Kind}, not sent"
        | Outcome.Unknown fault -> $"{fault.Kind}, may have arrived"
        | Outcome.Replied reply ->
            let code =
                match reply.Error with
                | Some error -> " " + error.Code
                | None -> ""

            let retryAfter =
                match reply.RetryAfter with
                | Some after -> $", Retry-After: {after}"
                | None -> ""

            let sent = if reply.Sent.IsSome then "" else ", before the whole body"
            $"HTTP {reply.Status}{code}{retryAfter}{sent}"

    let private statuses =
        Gen.frequency [
            6, Gen.elements [ 200; 200; 200; 200; 204; 204; 204; 204; 202 ]
            6, Gen.elements [ 500; 503; 429; 408 ]
            2, Gen.elements [ 400; 403; 404; 409; 412; 417; 301; 307; 100; 600 ]
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
            1, Texts.alphanumeric 1 12
        ]

    /// Any reply to a request with this number of bytes, the impossible ones too; some of its texts echo the secrets.
    let reply (length: int64) (secrets: string list) : Gen<Reply> =
        gen {
            let! status = statuses
            let! sent = Gen.frequency [ 5, sent length |> Gen.map Some; 1, Gen.constant None ]
            let! texts = Gen.listOfLength 17 (Gen.optionOf (text secrets))

            // A success with an error document does not come from a store.
            let! code =
                if status / 100 = 2 then
                    Gen.frequency [ 9, Gen.constant None; 1, codes |> Gen.map Some ]
                else
                    Gen.optionOf codes

            let! etag =
                Gen.elements [ texts[0]; Some $"\"{md5}\""; Some $"\"{String('0', 32)}\""; None ]

            let! meaning =
                Gen.frequency [
                    8, Gen.constant BodyMeaning.Result
                    1, Gen.elements [ BodyMeaning.Harmless; BodyMeaning.Unknown ]
                ]

            let! bodyEnd =
                Gen.frequency [
                    19, Gen.constant BodyEnd.Whole
                    1, Gen.elements [ BodyEnd.TooLong; BodyEnd.BrokenOff; BodyEnd.Late ]
                ]

            let! checksums = checksums

            let! contradiction =
                Gen.frequency [ 24, Gen.constant None; 1, Gen.elements [ Some "age"; Some "refresh" ] ]

            let! resultKey =
                Gen.frequency [ 24, Gen.constant None; 1, Gen.constant (Some "of/another/object") ]

            // A success seldom says where the bucket is, or sends the client elsewhere.
            let! isElsewhere =
                if status / 100 = 2 then
                    Gen.frequency [ 24, Gen.constant false; 1, Gen.constant true ]
                else
                    Gen.constant true

            let! expired = Gen.elements [ texts[9]; Some "Request has expired" ]

            return {
                Status = status
                ETag = etag
                VersionId = texts[1]
                RequestId = texts[2]
                IsRequestIdOfNetwork = false
                IsRequestIdShared = false
                HostId = texts[3]
                ServerSideEncryption = texts[4]
                OtherEncryption = None
                CustomerAlgorithm = None
                Checksums =
                    checksums
                    @ (texts[5]
                       |> Option.map (fun value -> {
                           Header = "x-amz-checksum-sha256"
                           Value = value
                       })
                       |> Option.toList)
                ChecksumType = None
                RetryAfter = texts[6]
                AmzRetryAfter = texts[7]
                BucketRegion = if isElsewhere then texts[8] else None
                RedirectHost = texts[13]
                RedirectTo = if isElsewhere then texts[13] else None
                Server = texts[14]
                Via = texts[14]
                Date = texts[6]
                Proxy = None
                Error =
                    code
                    |> Option.map (fun code -> {
                        Code = code
                        Message = expired
                        RequestId = texts[10]
                        HostId = texts[11]
                        Region = texts[12]
                        Endpoint = texts[13]
                        Details =
                            texts[15]
                            |> Option.map (fun text -> { Element = "Details"; Content = text })
                            |> Option.toList
                    })
                Body =
                    match code, texts[16] with
                    | None, Some text ->
                        Some {
                            Format = BodyFormat.Text
                            VisibleText = text
                            Meaning = meaning
                        }
                    | _ -> None
                BodyEnd = bodyEnd
                Contradiction = contradiction
                ResultBucket = None
                ResultKey = resultKey
                ResultLocation = None
                SaysExpired = false
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

    /// Any fault, after what `sent` says was sent; its detail may echo the secrets.
    let fault (sent: Gen<Sent option>) (secrets: string list) : Gen<Fault> =
        gen {
            let! kind = faultKinds
            let! sent = sent
            let! detail = text secrets
            let! bytes = Gen.choose (0, 100)
            let! proxyStatus = Gen.elements [ None; Some 403; Some 407; Some 502 ]

            return {
                Kind = kind
                Detail = detail
                BytesSent = int64 bytes
                Sent = sent
                ProxyStatus = if kind = FaultKind.Proxy then proxyStatus else None
                Proxy =
                    if kind = FaultKind.Proxy && proxyStatus <> Some 403 then
                        Some {
                            Authority = "proxy.example:3128"
                            Variable = Some "HTTPS_PROXY"
                            HasCredentials = proxyStatus = Some 407
                        }
                    else
                        None
            }
        }

    /// Any outcome of an attempt to send this number of bytes: every verdict is among what follows from them.
    let any (length: int64) (secrets: string list) : Gen<Outcome> =
        Gen.frequency [
            4, reply length secrets |> Gen.map Outcome.Replied
            1, fault (Gen.constant None) secrets |> Gen.map Outcome.NotSent
            1, fault (Gen.optionOf (sent length)) secrets |> Gen.map Outcome.Unknown
        ]

    /// A reply that calls the bytes damaged, or that a store gives to other bytes, after the whole body. Some of its
    /// texts echo the secrets.
    let damaged (length: int64) (secrets: string list) : Gen<Outcome> =
        gen {
            let! reply = reply length secrets

            let refused code = {
                reply with
                    Status = 400
                    Error =
                        Some {
                            S3Error.Of code with
                                Message = reply.RequestId
                        }
            }

            let other = {
                reply with
                    Status = 200
                    Error = None
                    ETag = Some $"\"{String('0', 32)}\""
                    ServerSideEncryption = None
            }

            let! damaged = Gen.elements [ refused "BadDigest"; refused "IncompleteBody"; other ]

            return
                Outcome.Replied {
                    damaged with
                        Sent = Some(whole length)
                }
        }

    /// A reply that calls the URL expired; some of its texts echo the secrets.
    let expired (length: int64) (secrets: string list) : Gen<Outcome> =
        gen {
            let! reply = reply length secrets

            let! status, code, message =
                Gen.elements [
                    400, "ExpiredToken", None
                    403, "ExpiredToken", reply.RequestId
                    403, "AccessDenied", Some "Request has expired"
                ]

            return
                Outcome.Replied {
                    reply with
                        Status = status
                        Error =
                            Some {
                                S3Error.Of code with
                                    Message = message
                                    RequestId = reply.HostId
                            }
                }
        }

    let private requestId = Texts.alphanumeric 16 16 |> Gen.map _.ToUpperInvariant()

    /// A reply with a status, and S3's code if it has one, to a request that sent all of its bytes.
    let private answer (length: int64) (status: int) (code: string) : Gen<Reply> =
        requestId
        |> Gen.map (fun id -> {
            Reply.Of status with
                RequestId = Some id
                Sent = Some(whole length)
                Error =
                    if code = "" then
                        None
                    else
                        Some {
                            S3Error.Of code with
                                RequestId = Some id
                        }
        })

    /// A 2xx after the whole body, which every integrity mode accepts: the ETag is the MD5.
    let success (length: int64) : Gen<Outcome> =
        Gen.elements [ 200; 201; 204 ]
        |> Gen.bind (fun status -> answer length status "")
        |> Gen.map (fun reply -> Outcome.Replied { reply with ETag = Some $"\"{md5}\"" })

    let private networkFault kind length =
        Gen.choose (0, int (min length 1_000_000L))
        |> Gen.map (fun bytes -> Fault.Create(kind, "the network failed", int64 bytes))

    /// What another attempt may change: 5xx, 408, 429, and faults of the network, before or after the whole body.
    let retryable (length: int64) : Gen<Outcome> =
        let kinds = [
            FaultKind.NameResolution
            FaultKind.ConnectionRefused
            FaultKind.ConnectionReset
            FaultKind.ConnectionClosed
            FaultKind.ConnectTimeout
            FaultKind.RequestTimeout
            FaultKind.StallTimeout
            FaultKind.Network
        ]

        let replied =
            gen {
                let! status, code =
                    Gen.elements [
                        500, "InternalError"
                        503, "SlowDown"
                        503, ""
                        502, ""
                        429, ""
                        408, ""
                        400, "RequestTimeout"
                        409, "OperationAborted"
                    ]

                let! reply = answer length status code
                let! retryAfter = Gen.elements [ None; None; Some "1"; Some "30" ]
                return Outcome.Replied { reply with RetryAfter = retryAfter }
            }

        let failed =
            gen {
                let! kind = Gen.elements kinds
                let! fault = networkFault kind length
                let! all = Gen.elements [ true; false ]

                return
                    if all then
                        Outcome.Unknown {
                            fault with
                                BytesSent = length
                                Sent = Some(whole length)
                        }
                    else
                        Outcome.NotSent fault
            }

        Gen.oneof [ replied; failed ]

    /// What ends a push at once: refusals, redirects, certificates that are not trusted.
    let terminal (length: int64) : Gen<Outcome> =
        let replied =
            Gen.elements [
                403, "AccessDenied"
                403, "SignatureDoesNotMatch"
                403, ""
                404, "NoSuchBucket"
                400, "InvalidRequest"
                412, "PreconditionFailed"
                301, "PermanentRedirect"
                307, ""
                501, "NotImplemented"
            ]
            |> Gen.bind (fun (status, code) -> answer length status code)
            |> Gen.map Outcome.Replied

        let failed =
            Gen.elements [ FaultKind.CertificateUntrusted; FaultKind.CertificateNameMismatch ]
            |> Gen.map (fun kind -> Outcome.NotSent(Fault.Create(kind, "the certificate is not trusted", 0L)))

        Gen.frequency [ 4, replied; 1, failed ]
