module CellOS.Export.S3.Core.Tests.ReceiptTests

open System
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

/// The fields of section 8 of the contract, in its order.
let private contract = [
    "targetKind"
    "targetName"
    "destination"
    "bytesWritten"
    "cellId"
    "artifactName"
    "region"
    "objectUrl"
    "sha256"
    "md5"
    "etag"
    "versionId"
    "requestId"
    "integrity"
    "attempts"
    "startedAt"
    "completedAt"
]

let private full = {
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
    ETag = Some "\"e\""
    VersionId = Some "v"
    RequestId = Some "r"
    Integrity = "etag-md5"
    Attempts = 2
    StartedAt = noon
    CompletedAt = noon.AddMilliseconds 1500.
}

let private bare = {
    full with
        TargetName = None
        Region = None
        ObjectUrl = None
        Md5 = None
        ETag = None
        VersionId = None
        RequestId = None
}

let private names (json: string) = [
    for property in JsonDocument.Parse(json).RootElement.EnumerateObject() -> property.Name
]

/// Times with any offset, to the tick.
let private times =
    gen {
        let! hours = Gen.choose (-12, 12)
        let! ticks = Gen.choose (0, Int32.MaxValue)
        return noon.AddTicks(int64 ticks * 1000L).ToOffset(TimeSpan.FromHours(float hours))
    }

/// What a name may hold: no half of a surrogate pair, which JSON cannot carry.
let private text = Gen.frequency [ 3, segment; 1, artifactText ]

let private receipts =
    gen {
        let! cell = text
        let! artifact = text
        let! optional = Gen.listOfLength 7 (Gen.optionOf text)
        let! bytes = Gen.elements [ 0L; 1L; 5368709120L; Int64.MaxValue ]
        let! startedAt, completedAt = Gen.zip times times

        return {
            full with
                CellId = cell
                ArtifactName = artifact
                Destination = $"s3://b/{cell}/{artifact}"
                BytesWritten = bytes
                TargetName = optional[0]
                Region = optional[1]
                ObjectUrl = optional[2]
                Md5 = optional[3]
                ETag = optional[4]
                VersionId = optional[5]
                RequestId = optional[6]
                StartedAt = startedAt
                CompletedAt = completedAt
        }
    }

let private toMilliseconds (at: DateTimeOffset) =
    DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds())

[<Tests>]
let tests =
    testList "Receipt" [
        testCase "a full receipt has every field of the contract in its order" (fun () ->
            Expect.sequenceEqual (names (Receipt.toJson full)) contract "all")

        testCase "what is unknown is left out" (fun () ->
            let known = [ "targetName"; "region"; "objectUrl"; "md5"; "etag"; "versionId"; "requestId" ]
            Expect.sequenceEqual (names (Receipt.toJson bare)) (contract |> List.except known) "the others")

        testCase "a receipt is this text" (fun () ->
            Expect.equal
                (Receipt.toJson {
                    bare with
                        ArtifactName = "a <é> & \"b\" '𝄞'+"
                })
                $"""{{"targetKind":"s3","destination":"s3://b/c/a","bytesWritten":3,"cellId":"c","artifactName":"a <é> & \"b\" '{JsonEncodedText.Encode "𝄞"}'+","sha256":"{full.Sha256}","integrity":"etag-md5","attempts":2,"startedAt":"2026-03-01T12:00:00.000Z","completedAt":"2026-03-01T12:00:01.500Z"}}"""
                "to the letter")

        propertyTimes 500 "a receipt's JSON gives its values back" receipts (fun receipt ->
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
                    ETag = optional "etag"
                    VersionId = optional "versionId"
                    RequestId = optional "requestId"
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
            receipts
            (fun receipt ->
                let json = Receipt.toJson receipt

                Expect.isFalse
                    (json |> Seq.exists (fun c -> Char.IsControl c || c = '\u2028' || c = '\u2029'))
                    "one line"

                Expect.sequenceEqual
                    (names json)
                    (contract |> List.filter (fun name -> List.contains name (names json)))
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

            Expect.sequenceEqual (names json) contract "all fields")
    ]
