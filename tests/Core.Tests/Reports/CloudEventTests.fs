module CellOS.Export.S3.Core.Tests.CloudEventTests

open System
open System.Security.Cryptography
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.ReceiptTests
open CellOS.Export.S3.Core.Tests.FailureReportTests
open CellOS.Export.S3.Core.Tests.CloudEventRules

let private root (event: string) = JsonDocument.Parse(event).RootElement

let private field (name: string) (event: string) =
    match (root event).TryGetProperty name with
    | true, value -> Option.ofObj (value.GetString())
    | _ -> None

let private idOf = field "id"

let private data (event: string) =
    (root event).GetProperty("data").GetRawText()

let private names (json: string) = [ for field in (root json).EnumerateObject() -> field.Name ]

/// Receipts of sinks that are not ours: any text, or none at all, where one is to be.
let foreignReceipts =
    gen {
        let! receipt = Results.receipt
        let! texts = Gen.listOfLength 6 anyTextOrNull

        return {
            receipt with
                TargetKind = texts[0]
                Destination = texts[1]
                CellId = texts[2]
                ArtifactName = texts[3]
                Sha256 = texts[4]
                Integrity = texts[5]
        }
    }

/// The same export, as somebody else would tell of it who made it again.
let private again (receipt: Receipt) =
    gen {
        let! texts = Gen.listOfLength 6 (Gen.optionOf anyText)
        let! attempts = Gen.choose (1, 9)
        let! days = Gen.choose (-9999, 9999)

        return {
            receipt with
                TargetName = texts[0]
                Region = texts[1]
                ObjectUrl = texts[2]
                ETag = texts[3]
                VersionId = texts[4]
                RequestId = texts[5]
                Md5 = None
                Sha256 = receipt.Sha256.ToUpperInvariant()
                Integrity = "unverified"
                Attempts = attempts
                StartedAt = receipt.StartedAt.AddDays(float days)
                CompletedAt = receipt.CompletedAt.AddDays(float days)
        }
    }

/// Receipts that are all different, of texts that put together, with or without separators, are often the same.
let private alike = [
    let texts = [ ""; "a"; "aa"; "a/a"; "a,"; ":a"; "a,:a"; ",:a"; "1:a,"; "a,1:a"; "\ufffd" ]

    for cell in texts do
        for artifact in texts do
            for destination in texts do
                for digit in [ 'a'; 'b' ] ->
                    {
                        full with
                            CellId = cell
                            ArtifactName = artifact
                            Destination = destination
                            Sha256 = String(digit, 64)
                    }
]

let private changes: (string * (Receipt -> Receipt)) list = [
    "the cell",
    (fun receipt -> {
        receipt with
            CellId = receipt.CellId + "x"
    })
    "the artifact",
    (fun receipt -> {
        receipt with
            ArtifactName = receipt.ArtifactName + "x"
    })
    "the address",
    (fun receipt -> {
        receipt with
            Destination = receipt.Destination + "x"
    })
    "the content",
    (fun receipt -> {
        receipt with
            Sha256 = String('c', 64)
    })
]

let private at = noon.AddMilliseconds 1500.

/// Each in another way than `fullReport`.
let private otherReports: FailureReport list = [
    { fullReport with CellId = None }
    {
        fullReport with
            ArtifactName = Some "b"
    }
    {
        fullReport with
            Destination = Some "s3://b2/x"
    }
    { fullReport with Kind = "Internal" }
    { fullReport with Message = "never" }
    { fullReport with Status = None }
    {
        fullReport with
            Code = Some "SlowDown"
    }
    {
        fullReport with
            RequestId = Some "R2"
    }
    { fullReport with Attempts = 3 }
]

[<Tests>]
let tests =
    testList "CloudEvent" [
        testCase "of a receipt is this text" (fun () ->
            let receipt = {
                bare with
                    CellId = "cell 7/ü"
                    ArtifactName = "logs/<é>.txt"
            }

            Expect.equal
                (CloudEvent.ofReceipt receipt)
                $"""{{"specversion":"1.0","type":"dev.cellos.events.cell.export.v2.completed","source":"/cells/cell%%207%%2F%%C3%%BC","subject":"logs/<é>.txt","id":"fc67bcc20eac518be2d36eac0f2a895d67236ccc98338afd533657eba0ad3ad2","time":"2026-03-01T12:00:01.500Z","datacontenttype":"application/json","data":{Receipt.toJson receipt}}}"""
                "to the letter")

        testCase "of a failure is this text" (fun () ->
            Expect.equal
                (CloudEvent.ofFailure at fullReport)
                """{"specversion":"1.0","type":"dev.cellos.events.cell.export.v2.failed","source":"/cells/c","subject":"ü/\"x\"","id":"346c2ac3fbc546628a16cea7b2f2c2d74e608bfdfa0a87ce8c7a6948825f598f","time":"2026-03-01T12:00:01.500Z","datacontenttype":"application/json","data":{"cellId":"c","artifactName":"ü/\"x\"","destination":"s3://b/c/ü/\"x\"","kind":"Refused","reason":"no.\nNo!","status":403,"code":"AccessDenied","requestId":"R1","hostId":"H1","mayBeStored":true,"attempts":2}}"""
                "to the letter")

        testCase "of whom nothing is known has no subject, and all cells for its source" (fun () ->
            let event =
                CloudEvent.ofFailure at {
                    fullReport with
                        CellId = None
                        ArtifactName = None
                        Destination = None
                }

            Expect.equal (field "source" event, field "subject" event) (Some "/cells", None) "who"
            Expect.isEmpty (problems event) "an event")

        table
            "has the cell for its source"
            [
                "cell-7", "/cells/cell-7"
                "a/b c", "/cells/a%2Fb%20c"
                "汉\uffff", "/cells/%E6%B1%89%EF%BF%BF"
                "...", "/cells/..."
                "", "/cells"
                ".", "/cells"
                "..", "/cells"
            ]
            (fun (cell, _) -> field "source" (CloudEvent.ofReceipt { full with CellId = cell }))
            (snd >> Some)

        propertyTimes
            500
            "of a receipt keeps the rules, and holds the receipt"
            Results.receipt
            (fun receipt ->
                let event = CloudEvent.ofReceipt receipt
                Expect.isEmpty (problems event) event
                Expect.equal (data event) (Receipt.toJson receipt) "the receipt's own JSON"

                Expect.equal
                    (Receipt.parse (data event))
                    (Ok {
                        receipt with
                            StartedAt = toMilliseconds receipt.StartedAt
                            CompletedAt = toMilliseconds receipt.CompletedAt
                    })
                    "which gives its values back"

                Expect.equal (field "type" event) (Some CloudEvent.CompletedType) "type"

                Expect.equal
                    (field "source" event |> Option.map Uri.UnescapeDataString)
                    (Some("/cells/" + receipt.CellId))
                    "the cell"

                if Option.isNone (stringProblem receipt.ArtifactName) then
                    Expect.equal (field "subject" event) (Some receipt.ArtifactName) "the artifact"

                Expect.equal
                    ((root event).GetProperty("time").GetDateTimeOffset())
                    (toMilliseconds receipt.CompletedAt)
                    "when it was completed")

        propertyTimes 1000 "of anybody's receipt keeps the rules" foreignReceipts (fun receipt ->
            let event = CloudEvent.ofReceipt receipt
            Expect.isEmpty (problems event) event
            Expect.equal (data event) (Receipt.toJson receipt) "the receipt's own JSON")

        table
            "has a subject of what a text of CloudEvents may hold"
            [
                "a/b.txt", "a/b.txt"
                "a\u0000b\u0085c\u007f", "a\ufffdb\ufffdc\ufffd"
                "\ufffe\uffff\ufdd0\ufdef", "\ufffd\ufffd\ufffd\ufffd"
                "\ufdcf\ufdf0", "\ufdcf\ufdf0"
                "\U0001fffe\U0010ffff", "\ufffd\ufffd"
                "\u2028\u202e\ufeff", "\u2028\u202e\ufeff"
                "👩‍🚀", "👩‍🚀"
                "a" + string (char 0xd800), "a\ufffd"
            ]
            (fun (name, _) -> field "subject" (CloudEvent.ofReceipt { full with ArtifactName = name }))
            (snd >> Some)

        propertyTimes
            500
            "has one id for the same export, whenever and by whomever it is made"
            (gen {
                let! receipt = Gen.oneof [ Results.receipt; Gen.elements alike ]
                let! other = again receipt
                return receipt, other
            })
            (fun (receipt, other) ->
                Expect.equal
                    (idOf (CloudEvent.ofReceipt other))
                    (idOf (CloudEvent.ofReceipt receipt))
                    "the same"

                Expect.equal
                    (field "source" (CloudEvent.ofReceipt other))
                    (field "source" (CloudEvent.ofReceipt receipt))
                    "of the same source")

        propertyTimes
            500
            "has another id for another cell, artifact, address or content"
            Results.receipt
            (fun receipt ->
                let id = CloudEvent.idOf receipt
                Expect.equal (idOf (CloudEvent.ofReceipt receipt)) (Some id) "the event's"
                Expect.isMatch id @"\A[0-9a-f]{64}\z" "SHA-256"

                for what, change in changes do
                    Expect.notEqual (CloudEvent.idOf (change receipt)) id what)

        testCase "has different ids for receipts that look alike" (fun () ->
            Expect.hasLength
                (alike |> List.map CloudEvent.idOf |> List.distinct)
                alike.Length
                "as many as there are receipts")

        propertyTimes 300 "has the id that its documentation says" Results.receipt (fun receipt ->
            let netstrings =
                [
                    CloudEvent.CompletedType
                    receipt.CellId
                    receipt.ArtifactName
                    receipt.Destination
                    receipt.Sha256
                ]
                |> List.collect (fun text ->
                    let bytes = Encoding.UTF8.GetBytes text
                    [ Encoding.ASCII.GetBytes $"{bytes.Length}:"; bytes; ","B ])
                |> Array.concat

            Expect.equal
                (CloudEvent.idOf receipt)
                (Convert.ToHexStringLower(SHA256.HashData netstrings))
                "anybody can take it")

        propertyTimes
            300
            "has the id of what is told, whatever cannot be told"
            foreignReceipts
            (fun receipt ->
                match Receipt.parse (Receipt.toJson { receipt with Sha256 = full.Sha256 }) with
                | Ok told ->
                    Expect.equal
                        (CloudEvent.idOf told)
                        (CloudEvent.idOf { receipt with Sha256 = full.Sha256 })
                        "the same after a receipts file"
                | Error _ -> ())

        propertyTimes 500 "of a failure keeps the rules, and holds the failure" Results.report (fun report ->
            let event = CloudEvent.ofFailure at report
            Expect.isEmpty (problems event) event
            Expect.equal (field "type" event) (Some CloudEvent.FailedType) "type"
            let told = root (FailureReport.toJson report)
            let error = told.GetProperty "error"

            let expected = [
                for field in told.EnumerateObject() do
                    if field.Name <> "error" then
                        field.Name, field.Value.GetRawText()
                for field in error.EnumerateObject() do
                    (if field.Name = "message" then "reason" else field.Name), field.Value.GetRawText()
            ]

            let actual = [
                for field in (root (data event)).EnumerateObject() -> field.Name, field.Value.GetRawText()
            ]

            Expect.equal actual expected "its fields in one object, the message as the reason")

        propertyTimes 300 "of a failure keeps the rules over halves of surrogate pairs" anyText (fun text ->
            let event =
                CloudEvent.ofFailure at {
                    fullReport with
                        CellId = Some text
                        ArtifactName = Some text
                        Destination = Some text
                        Message = text
                }

            Expect.isEmpty (problems event) event)

        testCase "of a failure has an id of what it says and when" (fun () ->
            let id report at = idOf (CloudEvent.ofFailure at report)
            let ids = otherReports |> List.map (fun report -> id report at)
            let known = id fullReport at

            Expect.equal
                (id fullReport (at.ToOffset(TimeSpan.FromHours 5.)))
                known
                "the same moment elsewhere"

            Expect.hasLength
                (List.distinct (known :: id fullReport (at.AddMilliseconds 1.) :: ids))
                (2 + ids.Length)
                "all different"

            let receipt = { full with CellId = "c" }
            Expect.notEqual (idOf (CloudEvent.ofReceipt receipt)) known "no receipt's")

        propertyTimes
            300
            "of a failure holds no secret, whoever made it"
            (gen {
                let! secret = secret
                let! texts = Gen.listOfLength 3 (planted secret)
                return secret, texts
            })
            (fun (secret, texts) ->
                CloudEvent.ofFailure at {
                    fullReport with
                        Message = texts[0]
                        Code = Some texts[1]
                        RequestId = Some texts[2]
                }
                |> holds [ secret ]
                |> fun found -> Expect.isEmpty found "none")

        propertyTimes 200 "of every end of a push keeps the rules" scripts (fun script ->
            for turn in play script do
                match turn.Output with
                | Output.Done receipt -> Expect.isEmpty (problems (CloudEvent.ofReceipt receipt)) "completed"
                | Output.Failed failure ->
                    let report = FailureReport.ofFailure failure
                    Expect.isEmpty (problems (CloudEvent.ofFailure turn.Now report)) "failed"
                | _ -> ())

        testCase "names its attributes in the order in which the specification shows them" (fun () ->
            let all = [
                "specversion"
                "type"
                "source"
                "subject"
                "id"
                "time"
                "datacontenttype"
                "data"
            ]

            Expect.equal (names (CloudEvent.ofReceipt full)) all "completed"
            Expect.equal (names (CloudEvent.ofFailure at fullReport)) all "failed")
    ]
