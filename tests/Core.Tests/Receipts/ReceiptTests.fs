module CellOS.Export.S3.Core.Tests.ReceiptTests

open System
open System.Text.Json
open System.Text.Json.Nodes
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

/// The fields of a receipt in their order (docs/behaviour.md#the-receipt).
let private receiptFields = [
    "targetKind"
    "targetName"
    "destination"
    "destinationChecked"
    "bytesWritten"
    "cellId"
    "artifactName"
    "region"
    "objectUrl"
    "sha256"
    "md5"
    "checksums"
    "etag"
    "versionId"
    "requestId"
    "hostId"
    "integrity"
    "attempts"
    "startedAt"
    "completedAt"
]

/// A receipt with all that there may be.
let full = {
    TargetKind = "s3"
    TargetName = Some "artifact-bucket"
    Destination = "s3://b/c/a"
    BytesWritten = 3L
    CellId = "c"
    ArtifactName = "a"
    Region = Some "us-west-2"
    ObjectUrl = Some "https://h/c/a"
    Sha256 = String('a', 64)
    Md5 = Some(String('b', 32))
    Checksums =
        Map.ofList [
            "sha256", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
            "crc64nvme", "jSnVw/bqjr4="
        ]
    ETag = Some "\"e\""
    VersionId = Some "v"
    RequestId = Some "r"
    HostId = Some "h"
    DestinationChecked = false
    Integrity = "etag-md5"
    Attempts = 2
    StartedAt = noon
    CompletedAt = noon.AddMilliseconds 1500.
}

/// A receipt without all that may be left out.
let bare = {
    full with
        TargetName = None
        Region = None
        ObjectUrl = None
        Md5 = None
        Checksums = Map.empty
        ETag = None
        VersionId = None
        RequestId = None
        HostId = None
        DestinationChecked = true
}

let private names (json: string) = [
    for property in JsonDocument.Parse(json).RootElement.EnumerateObject() -> property.Name
]

/// A receipt's JSON with one field changed, or taken out.
let private changed (name: string) (value: string | null) =
    let fields = (nonNull (JsonNode.Parse(Receipt.toJson full))).AsObject()
    fields.Remove name |> ignore

    match value with
    | null -> ()
    | value -> fields[name] <- JsonNode.Parse value

    fields.ToJsonString()

let private problem (json: string) =
    match Receipt.parse json with
    | Ok receipt -> failtest $"a receipt where none was expected: %A{receipt}"
    | Error refusal -> refusal.Problem

let private required = [
    "targetKind"
    "destination"
    "bytesWritten"
    "cellId"
    "artifactName"
    "sha256"
    "integrity"
    "attempts"
    "startedAt"
    "completedAt"
]

/// A text with a part of it cut out, doubled, or replaced.
let private damaged (text: string) =
    gen {
        let! at = Gen.choose (0, text.Length - 1)
        let! length = Gen.choose (0, text.Length - at)

        let! other =
            Gen.oneof [ Gen.constant ""; Gen.constant (text.Substring(at, length)); anyText ]

        let! keep = Gen.elements [ ""; text.Substring(at, length) ]
        return text.Substring(0, at) + keep + other + text.Substring(at + length)
    }

let toMilliseconds (at: DateTimeOffset) =
    DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds())

[<Tests>]
let tests =
    testList "Receipt" [
        testCase "a full receipt has every field in its order" (fun () ->
            Expect.sequenceEqual (names (Receipt.toJson full)) receiptFields "all")

        testCase "what is unknown is left out" (fun () ->
            let known = [
                "targetName"
                "destinationChecked"
                "region"
                "objectUrl"
                "md5"
                "checksums"
                "etag"
                "versionId"
                "requestId"
                "hostId"
            ]

            Expect.sequenceEqual
                (names (Receipt.toJson bare))
                (receiptFields |> List.except known)
                "the others")

        testCase "a receipt is this text" (fun () ->
            Expect.equal
                (Receipt.toJson {
                    bare with
                        ArtifactName = "a <é> & \"b\" '𝄞'+"
                })
                $"""{{"targetKind":"s3","destination":"s3://b/c/a","bytesWritten":3,"cellId":"c","artifactName":"a <é> & \"b\" '{JsonEncodedText.Encode "𝄞"}'+","sha256":"{full.Sha256}","integrity":"etag-md5","attempts":2,"startedAt":"2026-03-01T12:00:00.000Z","completedAt":"2026-03-01T12:00:01.500Z"}}"""
                "to the letter")

        propertyTimes 500 "a receipt's JSON gives its values back" Results.receipt (fun receipt ->
            let root = JsonDocument.Parse(Receipt.toJson receipt).RootElement

            let optional (name: string) =
                match root.TryGetProperty name with
                | true, value -> Option.ofObj (value.GetString())
                | _ -> None

            let field name =
                optional name |> Option.defaultValue "absent"

            Expect.equal
                {
                    TargetKind = field "targetKind"
                    TargetName = optional "targetName"
                    Destination = field "destination"
                    BytesWritten = root.GetProperty("bytesWritten").GetInt64()
                    CellId = field "cellId"
                    ArtifactName = field "artifactName"
                    Region = optional "region"
                    ObjectUrl = optional "objectUrl"
                    Sha256 = field "sha256"
                    Md5 = optional "md5"
                    Checksums =
                        match root.TryGetProperty "checksums" with
                        | true, checksums ->
                            Map.ofSeq (
                                checksums.EnumerateObject()
                                |> Seq.map (fun property ->
                                    property.Name, nonNull (property.Value.GetString()))
                            )
                        | _ -> Map.empty
                    ETag = optional "etag"
                    VersionId = optional "versionId"
                    RequestId = optional "requestId"
                    HostId = optional "hostId"
                    DestinationChecked = not (fst (root.TryGetProperty "destinationChecked"))
                    Integrity = field "integrity"
                    Attempts = root.GetProperty("attempts").GetInt32()
                    StartedAt = root.GetProperty("startedAt").GetDateTimeOffset()
                    CompletedAt = root.GetProperty("completedAt").GetDateTimeOffset()
                }
                {
                    receipt with
                        StartedAt = toMilliseconds receipt.StartedAt
                        CompletedAt = toMilliseconds receipt.CompletedAt
                }
                "the same, to the millisecond")

        propertyTimes
            300
            "a receipt is one line, its fields in order, its times in UTC"
            Results.receipt
            (fun receipt ->
                let json = Receipt.toJson receipt

                Expect.isFalse
                    (json |> Seq.exists (fun c -> Char.IsControl c || c = '\u2028' || c = '\u2029'))
                    "one line"

                Expect.sequenceEqual
                    (names json)
                    (receiptFields |> List.filter (fun name -> List.contains name (names json)))
                    "order"

                let time = @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
                Expect.isMatch json $"\"startedAt\":\"{time}\",\"completedAt\":\"{time}\"}}$" "UTC")

        propertyTimes 300 "toJson is total over hostile texts" anyText (fun text ->
            let json =
                Receipt.toJson {
                    full with
                        ETag = Some text
                        RequestId = Some text
                        VersionId = Some text
                        ArtifactName = text
                }

            Expect.sequenceEqual (names json) receiptFields "all fields")

        propertyTimes 500 "parse is the inverse of toJson" Results.receipt (fun receipt ->
            Expect.equal
                (Receipt.parse (Receipt.toJson receipt))
                (Ok {
                    receipt with
                        StartedAt = toMilliseconds receipt.StartedAt
                        CompletedAt = toMilliseconds receipt.CompletedAt
                })
                "the same, to the millisecond")

        propertyTimes 300 "parse is total, and gives only what toJson writes again" anyText (fun text ->
            match Receipt.parse text with
            | Ok receipt -> Expect.equal (Receipt.parse (Receipt.toJson receipt)) (Ok receipt) "stable"
            | Error refusal -> Expect.equal refusal.Subject "receipt" "a refusal")

        propertyTimes
            1000
            "a damaged receipt is refused, or is a receipt still"
            (Results.receipt |> Gen.map Receipt.toJson |> Gen.bind damaged)
            (fun json ->
                match Receipt.parse json with
                | Ok receipt -> Expect.equal (Receipt.parse (Receipt.toJson receipt)) (Ok receipt) "stable"
                | Error refusal -> Expect.equal refusal.Subject "receipt" "a refusal")

        testCase "unknown fields are ignored, whatever they contain" (fun () ->
            for value in [ "1"; "null"; "\"x\""; "{\"sha256\":[]}"; "[[],{}]"; "1e999" ] do
                Expect.equal (Receipt.parse (changed "later" value)) (Ok full) value)

        testCase "a field that is missing, or null where it is needed, is named" (fun () ->
            for name in required do
                Expect.equal (problem (changed name null)) $"has no '{name}'" name
                Expect.stringContains (problem (changed name "null")) $"'{name}'" name)

        testCase "null is as good as nothing where a field may be left out" (fun () ->
            for name in receiptFields |> List.except required do
                Expect.isOk (Receipt.parse (changed name "null")) name
                Expect.stringContains (problem (changed name "7")) $"'{name}'" name)

        table
            "a field of the wrong kind is named"
            [
                "bytesWritten", "-1"
                "bytesWritten", "1.5"
                "bytesWritten", "1e3"
                "bytesWritten", "9223372036854775808"
                "bytesWritten", "\"3\""
                "attempts", "0"
                "attempts", "2147483648"
                "attempts", "true"
                "sha256", "\"00\""
                "sha256", $"\"{String('g', 64)}\""
                "sha256", "[]"
                "startedAt", "\"yesterday\""
                "startedAt", "\"2026-02-30T12:00:00.000Z\""
                "completedAt", "\"2026-03-01T12:00:00\""
                "completedAt", "0"
                "cellId", "{}"
                "destination", "false"
            ]
            (fun (name, value) ->
                (problem (changed name value)).Contains($"'{name}'", StringComparison.Ordinal))
            (fun _ -> true)

        testCase "JSON that is hostile is refused" (fun () ->
            let json = Receipt.toJson full

            for hostile in
                [
                    ""
                    " "
                    "null"
                    "[]"
                    "7"
                    "{}"
                    json + json
                    json + ","
                    json.Substring(0, json.Length - 1)
                    json.Replace("}", ",\"sha256\":\"" + String('c', 64) + "\"}")
                    json.Replace("}", ",\"x\":1,\"x\":2}")
                    json.Replace("}", ",\"x\":" + String('[', 100) + String(']', 100) + "}")
                    json.Replace("}", ",\"x\":" + String('[', 1_000_000))
                    json.Replace("\"cellId\":\"c\"", "\"cellId\":\"\\ud800\"")
                    json.Replace("\"region\":\"us-west-2\"", "\"region\":\"\\udc00\"")
                    json.Replace("{", "{/* */")
                    json.Replace("}", ",}")
                    "\uFEFF" + json
                ] do
                Expect.isTrue (Receipt.parse hostile).IsError (hostile.Substring(0, min 80 hostile.Length)))

        testCase "bytes that are no UTF-8 are refused" (fun () ->
            let bytes = System.Text.Encoding.UTF8.GetBytes(Receipt.toJson full)
            bytes[bytes.Length / 2] <- 0xFFuy
            Expect.isTrue (Receipt.parseUtf8 (ReadOnlyMemory bytes)).IsError "refused")
    ]
