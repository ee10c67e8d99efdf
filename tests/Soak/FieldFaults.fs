/// Responses of stores' dialects, gateways, proxies and portals, to uploads that are not stored.
module Soak.FieldFaults

open System
open System.Text
open CellOS.Export
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open FsCheck
open FsCheck.FSharp
open LoopbackS3

/// A group of generated responses, and the failures in which a push may end after one of them.
type FieldCase = {
    Name: string
    Weight: int
    Ends: ExportFailureKind list
    /// False if a sink that accepts unmarked responses may make a receipt of it.
    IsForAll: bool
    Belongs: FieldResponse -> bool
}

let private isSuccess (field: FieldResponse) = field.Status / 100 = 2

/// True if the whole body arrives, and is of this kind.
let private says kind (field: FieldResponse) =
    isSuccess field && field.End = BodyEnd.Whole && field.Kind = kind

/// True if there is nothing to compare: another digest is damage.
let private reportsNoDigest (field: FieldResponse) =
    not field.HasDigest
    && field.Headers
       |> List.forall (fun (name, _) ->
           name <> "Content-MD5"
           && not (name.StartsWith("x-amz-checksum-crc", StringComparison.Ordinal)))

/// A success to which nothing testifies that a store sent it.
let unmarked = {
    Name = "field: a success without a mark"
    Weight = 3
    Ends = [ ExportFailureKind.Unconfirmed ]
    IsForAll = false
    Belongs =
        fun field ->
            not field.IsMarked
            && reportsNoDigest field
            && (says FieldBody.Empty field
                || says FieldBody.Harmless field
                || says FieldBody.Result field)
}

/// One of them that says nothing of an object either.
let accepted = {
    unmarked with
        Name = "field: an accepted success without a mark"
        Weight = 60
        Ends = []
        Belongs =
            fun field ->
                unmarked.Belongs field
                && not field.IsOfOther
                && field.Kind <> FieldBody.Result
                && not (field.Headers |> List.exists (fun (name, _) -> name = "Location"))
}

/// The groups. None contains:
/// - a success that a store might have sent, because the object is not stored;
/// - 412, which says that an object exists, and 417, which repeats the attempt;
/// - `BadDigest`, which Soak.Faults has: a second one ends the push.
let cases = [
    {
        Name = "field: a success with a page"
        Weight = 3
        Ends = [ ExportFailureKind.NotAStore ]
        IsForAll = true
        Belongs = says FieldBody.Page
    }
    {
        Name = "field: a success with an error"
        Weight = 3
        Ends = [ ExportFailureKind.NotAStore; ExportFailureKind.UrlExpired ]
        IsForAll = true
        Belongs = says FieldBody.Error
    }
    unmarked
    {
        Name = "field: a success with a body that no store sends"
        Weight = 2
        Ends = [ ExportFailureKind.NotAStore; ExportFailureKind.Unconfirmed ]
        IsForAll = false
        Belongs =
            fun field ->
                reportsNoDigest field
                && (says FieldBody.Unknown field || field.IsMarked && says FieldBody.Harmless field)
    }
    {
        Name = "field: a success that says that it is not one to this upload"
        Weight = 2
        Ends = [ ExportFailureKind.Unconfirmed ]
        IsForAll = true
        Belongs = fun field -> field.IsOfOther && (says FieldBody.Empty field || says FieldBody.Result field)
    }
    {
        Name = "field: a success whose body breaks off"
        Weight = 2
        Ends = [
            ExportFailureKind.Unreachable
            ExportFailureKind.NotAStore
            ExportFailureKind.Unconfirmed
            ExportFailureKind.UrlExpired
        ]
        IsForAll = false
        Belongs = fun field -> isSuccess field && field.End = BodyEnd.BrokenOff && reportsNoDigest field
    }
    {
        Name = "field: 3xx"
        Weight = 1
        Ends = [ ExportFailureKind.Redirected ]
        IsForAll = true
        Belongs = fun field -> field.Status / 100 = 3 && field.End = BodyEnd.Whole
    }
    {
        Name = "field: 4xx"
        Weight = 2
        Ends = [
            ExportFailureKind.Refused
            ExportFailureKind.UrlExpired
            ExportFailureKind.Unavailable
        ]
        IsForAll = true
        Belongs = fun field -> field.Status / 100 = 4 && field.End = BodyEnd.Whole
    }
    {
        Name = "field: 5xx"
        Weight = 2
        Ends = [
            ExportFailureKind.Unavailable
            ExportFailureKind.Refused
            ExportFailureKind.UrlExpired
        ]
        IsForAll = true
        Belongs = fun field -> field.Status / 100 = 5 && field.End = BodyEnd.Whole
    }
]

/// The response as it is sent.
let private wire (field: FieldResponse) =
    let head = StringBuilder()

    let line (text: string) =
        head.Append(text).Append "\r\n" |> ignore

    line $"HTTP/1.1 {field.Status} Whatever"

    for name, value in field.Headers do
        line $"{name}: {value}"

    if field.Status <> 204 then
        // The connection closes before the rest.
        let missing = if field.End = BodyEnd.BrokenOff then 100 else 0
        line $"Content-Length: {field.Body.Length + missing}"

    line "Connection: close"
    line ""
    Array.append (Encoding.Latin1.GetBytes(head.ToString())) field.Body

/// A response of a group.
let make (case: FieldCase) (random: Random) : Fault =
    let isAllowed (field: FieldResponse) =
        case.Belongs field
        && field.Status <> 412
        && field.Status <> 417
        && field.Code <> "BadDigest"

    // The MD5 is in marked successes alone, and those are left out.
    Field.response (String('0', 32))
    |> Gen.where isAllowed
    |> Gen.sampleWithSeed (Rnd(uint64 (random.NextInt64()))) 50 1
    |> Seq.head
    |> wire
    |> Fault.RawReply
