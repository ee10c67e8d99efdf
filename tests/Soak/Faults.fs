/// What goes wrong, how often, and in which failures a push may end for it.
///
/// No fault here is a lie that a client cannot see through: one that answers 200 and ETag, or 200 alone before a
/// small body, and stores nothing. One that would read and store the body afterwards may lose it as well: with the
/// connection, which whoever uses it next may end.
module Soak.Faults

open System
open System.Collections.Generic
open System.Text
open CellOS.Export
open LoopbackS3

type FaultCase = {
    Name: string
    /// Among those that fit a request, one is picked by these weights.
    Weight: int
    Fits: RecordedRequest -> bool
    Make: Random -> RecordedRequest -> Fault
    /// In what a push may end if this strikes its last attempt.
    Ends: ExportFailureKind list
    /// Whether an attempt that it strikes may still give a receipt.
    MayPass: bool
    /// Whether the receipt may then be of an upload of which the server confirmed no digest.
    MayBeUnverified: bool
    /// Whether the server says that it is stored, without a mark and without storing it.
    IsUnmarked: bool
    /// Whether a success reports the digest of other bytes.
    ReportsOther: bool
}

/// The cell whose sink asks for a digest and has short time limits.
let strictCell = "strict"

/// The cell whose sink accepts a success without a mark of a store.
let lenientCell = "lenient"

let private isOf (cell: string) (request: RecordedRequest) =
    request.Key.Contains("-" + cell + "/", StringComparison.Ordinal)

let private isStrict = isOf strictCell
let private isLenient = isOf lenientCell

let private lengthOf (request: RecordedRequest) =
    int64 (request.Headers.GetValueOrDefault("Content-Length", "0"))

let private fault name weight make ends = {
    Name = name
    Weight = weight
    Fits = fun _ -> true
    Make = make
    Ends = ends
    MayPass = false
    MayBeUnverified = false
    IsUnmarked = false
    ReportsOther = false
}

let private always fault (_: Random) (_: RecordedRequest) : Fault = fault

let private raw (text: string) =
    always (Fault.RawReply(Encoding.Latin1.GetBytes text))

let private unavailable = [ ExportFailureKind.Unavailable ]
let private unreachable = [ ExportFailureKind.Unreachable ]
let private refused = [ ExportFailureKind.Refused ]
let private damaged = [ ExportFailureKind.IntegrityMismatch ]
let private expired = [ ExportFailureKind.UrlExpired ]
let private timedOut = [ ExportFailureKind.TimedOut ]

/// Where a redirect points, and URLs of other objects; the server must never see a request for it.
let elsewhere = "elsewhere"

let private accepted = FieldFaults.accepted

/// `endpoint` is the server's own.
let all (endpoint: Uri) = [
    // The server fails.
    fault "500 InternalError" 3 (always (Fault.Status(500, "InternalError"))) unavailable
    fault "500 without a body" 2 (always (Fault.Status 500)) unavailable
    fault "503 SlowDown" 3 (always (Fault.Status(503, "SlowDown"))) unavailable
    fault "503 before the body" 2 (always (Fault.Status(503, "SlowDown", beforeBody = true))) unavailable
    fault "503 with Retry-After" 2 (always (Fault.Status(503, "SlowDown", retryAfter = "1"))) unavailable
    fault "429" 1 (always (Fault.Status 429)) unavailable
    fault "409 OperationAborted" 1 (always (Fault.Status(409, "OperationAborted"))) unavailable
    fault "400 RequestTimeout" 1 (always (Fault.Status(400, "RequestTimeout"))) timedOut
    fault "500 with an endless body" 1 (always (Fault.EndlessErrorBody 500)) unavailable
    fault "500 with a huge body" 1 (always (Fault.HugeErrorBody(500, 1L <<< 20))) unavailable
    fault "502 in HTML" 1 (always (Fault.BrokenErrorBody(502, BrokenBody.Html))) unavailable
    fault "500 in half an XML" 1 (always (Fault.BrokenErrorBody(500, BrokenBody.TruncatedXml))) unavailable
    fault "503 in bytes" 1 (always (Fault.BrokenErrorBody(503, BrokenBody.Binary))) unavailable
    fault "500 with a bomb" 1 (always (Fault.BrokenErrorBody(500, BrokenBody.DoctypeBomb))) unavailable
    fault
        "500 cut short"
        1
        (raw "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\n<Error><Code>")
        unavailable

    // It refuses.
    fault "403 AccessDenied" 1 (always (Fault.Status(403, "AccessDenied"))) refused
    fault "403 before the body" 1 (always (Fault.Status(403, "AccessDenied", beforeBody = true))) refused
    fault "404 NoSuchBucket" 1 (always (Fault.Status(404, "NoSuchBucket"))) refused
    fault "403 ExpiredToken" 2 (always (Fault.Status(403, "ExpiredToken"))) expired
    fault
        "403 Request has expired"
        1
        (always (Fault.Status(403, "AccessDenied", message = "Request has expired")))
        expired
    fault "307 elsewhere" 1 (always (Fault.Redirect(307, Uri(endpoint, $"/evidence/{elsewhere}")))) [
        ExportFailureKind.Redirected
    ]

    // The connection breaks.
    fault "reset at 0" 3 (always Fault.ResetBeforeBody) unreachable
    fault
        "reset within the body"
        3
        (fun random request -> Fault.ResetWithinBody(random.NextInt64(1L, max 2L (lengthOf request))))
        unreachable
    fault "reset, not stored" 2 (always (Fault.ResetAfterBody false)) unreachable
    fault "reset, stored" 2 (always (Fault.ResetAfterBody true)) unreachable
    fault "closed, not stored" 2 (always (Fault.CloseAfterBody false)) unreachable
    fault "closed, stored" 2 (always (Fault.CloseAfterBody true)) unreachable
    fault "half a status line" 1 (raw "HTTP/1.1 2") unreachable
    fault "half a head" 1 (raw "HTTP/1.1 200 OK\r\nETag: \"0123") unreachable
    fault "no HTTP" 1 (raw "SSH-2.0-OpenSSH_9.6\r\n") unreachable

    // Something else answers, or the store does in a dialect of its own.
    for case in FieldFaults.cases do
        {
            fault case.Name case.Weight (fun random _ -> FieldFaults.make case random) case.Ends with
                Fits = fun request -> case.IsForAll || not (isLenient request)
        }

    // What the operator accepts, though nothing was stored.
    {
        fault accepted.Name accepted.Weight (fun random _ -> FieldFaults.make accepted random) accepted.Ends with
            Fits = isLenient
            MayPass = true
            MayBeUnverified = true
            IsUnmarked = true
    }

    // The digest differs.
    fault "400 BadDigest" 1 (always (Fault.Status(400, "BadDigest"))) damaged
    {
        fault "another ETag" 2 (always Fault.WrongETag) damaged with
            ReportsOther = true
    }
    {
        fault "stored with a wrong bit" 2 (always Fault.Corrupt) damaged with
            Fits = fun request -> lengthOf request > 0L
            ReportsOther = true
    }
    {
        fault "an ETag of KMS" 2 (always Fault.KmsETag) [] with
            MayPass = true
            MayBeUnverified = true
    }

    // Too early, too slow, never.
    // Only with Expect: 100-continue, where the client has not sent the body yet.
    {
        fault "200 before the body" 90 (always (Fault.EarlySuccess true)) unreachable with
            Fits = _.ExpectContinue
    }
    {
        fault "200 before the body, not stored" 90 (always (Fault.EarlySuccess false)) unreachable with
            Fits = _.ExpectContinue
    }
    {
        fault "a slow reader" 1 (fun _ request -> Fault.SlowRead(int (max 1L (lengthOf request) * 5L))) [] with
            MayPass = true
    }
    {
        fault "a slow reply" 1 (always (Fault.SlowReply 3000)) [] with
            MayPass = true
    }
    {
        fault "silence" 4 (always (Fault.Silence false)) timedOut with
            Fits = isStrict
    }
    {
        fault "silence after the body" 4 (always (Fault.Silence true)) timedOut with
            Fits = isStrict
    }
]

/// The round that comes before the one that counts.
let warmUp = "warm-up"

/// One attempt in so many is struck. While warming up it is every other one, so that all code is loaded by then.
let private oneIn (request: RecordedRequest) =
    if request.Key.StartsWith(warmUp + "-", StringComparison.Ordinal) then 2 else 10

/// What strikes an attempt, if anything does.
let strike (cases: FaultCase list) (seed: int) (request: RecordedRequest) =
    let random = Dice.about seed $"%s{request.Key} %d{request.Attempt}"

    if random.Next(oneIn request) <> 0 then
        None
    else
        let case =
            cases
            |> List.filter (fun case -> case.Fits request)
            |> List.map (fun case -> case.Weight, case)
            |> Dice.pick random

        Some(case, case.Make random request)
