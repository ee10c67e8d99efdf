module Facade.Tests.RenderingTests

open System
open System.Text.Json
open CellOS.Export
open Expecto
open LoopbackS3
open Facade.Tests.Support

let private root (json: string) = JsonDocument.Parse(json).RootElement

let private raw (name: string) (json: string) =
    ((root json).GetProperty name).GetRawText()

let private text (name: string) (json: string) =
    ((root json).GetProperty name).GetString()

let private at = DateTimeOffset(2026, 5, 1, 14, 0, 0, TimeSpan.FromHours 2.)

/// A receipt of a sink that is not this library's.
let private local sha256 =
    ExportReceipt(
        TargetKind = ExportTargetKind.Local,
        Destination = "file:///x",
        BytesWritten = 3L,
        CellId = "c",
        ArtifactName = "ü",
        Sha256 = sha256,
        Integrity = "unverified",
        Attempts = 1,
        StartedAt = at,
        CompletedAt = at.AddMilliseconds 5.
    )

let private digest = String('a', 64)

[<Tests>]
let tests =
    testList "a receipt in other formats" [
        testCaseTask "is told of a true push" (fun () ->
            task {
                use! scene = scene "logs/ü b.txt" (patterned 1000)
                use sink = sinkFor scene.Url
                let! receipt = sink.PushAsync(scene.Artifact, scene.Path)
                let event = receipt.ToCloudEvent()
                Expect.equal (raw "data" event) (receipt.ToJson()) "the receipt"
                Expect.equal (text "source" event) $"/cells/{cellId}" "the cell"
                Expect.equal (text "subject" event) scene.Artifact "the artifact"
                let statement = receipt.ToInTotoStatement()
                Expect.equal (raw "predicate" statement) (receipt.ToJson()) "the receipt"

                Expect.equal
                    (raw "subject" statement)
                    $"""[{{"name":"{scene.Artifact}","uri":"s3://{bucket}/{cellId}/logs/%%C3%%BC%%20b.txt","digest":{{"sha256":"{sha256 scene.Content}"}}}}]"""
                    "what and where"

                let! again = sink.PushAsync(scene.Artifact, scene.Path)
                Expect.notEqual again receipt "another export"

                Expect.equal
                    (text "id" (again.ToCloudEvent()))
                    (text "id" event)
                    "of the same bytes to the same address"
            })

        testCaseTask "has results of both kinds" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                use sink = sinkFor scene.Url
                let artifact = ExportArtifact(scene.Artifact, scene.Path)
                let! receipt = sink.PushAsync(scene.Artifact, scene.Path)
                let exported = ExportResult(artifact, receipt)

                Expect.equal
                    (exported.ToCloudEvent at)
                    (receipt.ToCloudEvent())
                    "the receipt's, at its own time"

                let failure = ExportException(ExportFailureKind.Refused, "no")
                let failed = ExportResult(artifact, failure).ToCloudEvent at
                Expect.equal (text "subject" failed) "a" "under the artifact's name"
                Expect.equal (text "time" failed) "2026-05-01T12:00:00.000Z" "in UTC"

                let named = ExportException(ExportFailureKind.Refused, "no", ArtifactName = "b")

                Expect.equal
                    (ExportResult(artifact, named).ToCloudEvent at)
                    (named.ToCloudEvent at)
                    "or under its own"
            })

        testCase "is made of any sink's receipt" (fun () ->
            let receipt = local digest

            Expect.equal
                (receipt.ToInTotoStatement())
                $"""{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"ü","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://cellos.dev/attestations/export-receipt/v1","predicate":{receipt.ToJson()}}}"""
                "without a URI that nobody knows"

            let event = receipt.ToCloudEvent()
            Expect.equal (text "time" event) "2026-05-01T12:00:00.005Z" "in UTC"
            Expect.equal (raw "data" event) (receipt.ToJson()) "the receipt")

        testCase "is an event, but no statement, of a receipt that lacks what it should have" (fun () ->
            let none = Unchecked.defaultof<string>

            let receipt =
                ExportReceipt(
                    TargetKind = enum<ExportTargetKind> 99,
                    Destination = none,
                    BytesWritten = 0L,
                    CellId = none,
                    ArtifactName = none,
                    Sha256 = none,
                    Integrity = none,
                    Attempts = 0,
                    StartedAt = DateTimeOffset.MinValue,
                    CompletedAt = DateTimeOffset.MaxValue
                )

            let event = receipt.ToCloudEvent()
            Expect.equal (text "source" event) "/cells" "of no cell"
            Expect.equal (raw "data" event) (receipt.ToJson()) "what there is"

            for receipt in [ receipt; local "00"; local "" ] do
                let refusal =
                    try
                        receipt.ToInTotoStatement()
                    with :? InvalidOperationException as refused ->
                        refused.Message

                Expect.stringStarts
                    refusal
                    "The receipt has no 64 hexadecimal digits in 'sha256'. "
                    "why not")

        testCase "tells a failure of any sink as an event without secrets" (fun () ->
            Expect.stringEnds
                (ExportException(ExportFailureKind.Internal, "no").ToCloudEvent at)
                ",\"time\":\"2026-05-01T12:00:00.000Z\",\"datacontenttype\":\"application/json\",\"data\":{\"kind\":\"Internal\",\"reason\":\"no\",\"attempts\":0}}"
                "bare"

            let full =
                ExportException(
                    ExportFailureKind.UrlExpired,
                    "two\r\nlines of http://h/k?X-Amz-Signature=0123456789abcdef0123",
                    Destination = "file:///x",
                    TargetKind = Nullable ExportTargetKind.Local,
                    TargetName = "t",
                    CellId = "a/b",
                    ArtifactName = "ü",
                    StatusCode = Nullable(enum 400),
                    ErrorCode = "ExpiredToken",
                    RequestId = "r",
                    Attempts = 2
                )

            let event = full.ToCloudEvent at
            Expect.equal (text "type" event) "dev.cellos.events.cell.export.v2.failed" "the type"
            Expect.equal (text "source" event) "/cells/a%2Fb" "the cell"

            Expect.equal
                (raw "data" event)
                """{"targetKind":"localPath","targetName":"t","cellId":"a/b","artifactName":"ü","destination":"file:///x","kind":"UrlExpired","reason":"two\r\nlines of http://h/k?X-Amz-Signature=REDACTED","status":400,"code":"ExpiredToken","requestId":"r","attempts":2}"""
                "full"

            Expect.equal (full.ToCloudEvent at) event "the same again"
            Expect.notEqual (text "id" (full.ToCloudEvent(at.AddSeconds 1.))) (text "id" event) "a later one")
    ]
