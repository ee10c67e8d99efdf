namespace CellOS.Export.S3.Core

open System

/// One PUT that the driver is to make, with all that it needs to know.
type PutRequest = {
    /// 1 for the first.
    Attempt: int
    /// Where to; the driver reveals it.
    Url: RequestUrl
    /// Besides `Host`, `Content-Length` and `Expect`.
    Headers: RequestHeader list
    /// `Content-Length`.
    Length: int64
    /// Send `Expect: 100-continue` (RFC 9110, 10.1.1).
    ExpectContinue: bool
    /// Take these digests of the bytes as well as their SHA-256.
    Digests: DigestAlgorithm list
    /// For name resolution, TCP, proxy and TLS.
    ConnectTimeout: TimeSpan
    /// For the attempt as a whole: the request timeout, or what the deadline leaves of it.
    Timeout: TimeSpan
    /// The longest time in which no byte moves, once there is a connection.
    StallTimeout: TimeSpan option
}

/// What a driver does with a request besides sending it.
[<RequireQualifiedAccess>]
module PutRequest =

    /// A text of the transport's without the secrets of the request's headers, which it may quote. Those of the URL, and
    /// values of secret names, `Fault.Of` masks after that.
    [<CompiledName("Mask")>]
    let mask (text: string) (put: PutRequest) : string =
        let secrets =
            Secrets.create [
                for header in put.Headers do
                    if RequestHeader.isSecret header then
                        yield! RequestHeader.secretTexts header
            ]

        Secrets.mask secrets text

    /// The digests that the request contains, in its headers and in the query of its URL.
    [<CompiledName("GivenDigests")>]
    let givenDigests (put: PutRequest) : Digest list = [
        for header in put.Headers do
            match DigestAlgorithm.ofRequestHeader (RequestHeader.key header) with
            | Some algorithm -> yield! Option.toList (Digest.tryParse algorithm (RequestHeader.reveal header))
            | None -> ()

        for _, digest in put.Url.Query.Checksums do
            digest
    ]

/// What the driver reports. `At` is the time at which it happened.
[<RequireQualifiedAccess>]
type Input =
    /// The source is open, and has this number of bytes.
    | Started of At: DateTimeOffset * Length: int64
    /// The source cannot be used.
    | NoSource of At: DateTimeOffset * Fault: Fault
    /// The URL that was asked for.
    | UrlGiven of At: DateTimeOffset * Url: RequestUrl
    /// The URL that was asked for, with headers and an expiry that its source states.
    | UrlGranted of At: DateTimeOffset * Grant: UrlGrant
    /// There is no URL yet, and there may be one later: `After` is what the source asks to wait, `Reason` says why, without
    /// a full stop. `Roll` is chance: 0 or more and less than 1.
    | UrlDelayed of At: DateTimeOffset * Roll: float * Reason: string * After: TimeSpan
    /// The digests of the source, read whole. `NoSource` reports that it could not be read.
    | DigestsTaken of At: DateTimeOffset * Digests: Digest list
    /// There is no URL to be had for this artifact; `Reason` says why and what to do, without a full stop.
    | NoUrl of At: DateTimeOffset * Reason: string
    /// An attempt has ended. `Roll` is chance: 0 or more and less than 1.
    | Attempted of At: DateTimeOffset * Roll: float * Outcome: Outcome
    /// The wait is over, or was interrupted; so is the time for the digests.
    | Woke of At: DateTimeOffset

/// What the driver is to do next.
[<RequireQualifiedAccess>]
type Output =
    /// Get a URL for the given attempt: `Push.urlRequest` says what for.
    /// Report `Woke` if there is no answer at `Until`, the deadline.
    | AskUrl of Attempt: int * Until: DateTimeOffset option
    /// Read the source whole and take these digests of it, until the given time at the longest; then report `Woke`.
    | TakeDigests of Algorithms: DigestAlgorithm list * Until: DateTimeOffset option
    /// Make this request, and report `Attempted`.
    | Put of Request: PutRequest
    /// Report `Woke` at that time.
    | Wait of Until: DateTimeOffset
    /// The end: stored, and as certain as the receipt says.
    | Done of Receipt: Receipt
    /// The end: no receipt.
    | Failed of Failure: ExportFailure
