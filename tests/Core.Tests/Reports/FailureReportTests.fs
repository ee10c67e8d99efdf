module CellOS.Export.S3.Core.Tests.FailureReportTests

open System
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

/// A failure with all that there may be.
let fullReport: FailureReport = {
    CellId = Some "c"
    ArtifactName = Some "ü/\"x\""
    Destination = Some "s3://b/c/ü/\"x\""
    Kind = "Refused"
    Message = "no.\nNo!"
    Status = Some 403
    Code = Some "AccessDenied"
    RequestId = Some "R1"
    HostId = Some "H1"
    MayBeStored = true
    TargetKind = None
    TargetName = None
    IsRedacted = false
    Attempts = 2
    Spooled = false
}

let private outer = [ "cellId"; "artifactName"; "destination"; "error" ]

let private inner = [
    "kind"
    "message"
    "status"
    "code"
    "requestId"
    "hostId"
    "mayBeStored"
    "attempts"
    "spooled"
]

let private names (element: JsonElement) = [ for property in element.EnumerateObject() -> property.Name ]

let private parse (json: string) =
    let root = JsonDocument.Parse(json).RootElement
    root, root.GetProperty "error"

/// A text with a secret in it, as a URL, a header or an error document of S3 would hold it.
let planted secret =
    gen {
        let! before = anyText
        let! after = anyText

        let! shape =
            Gen.elements [
                $"https://h/k?X-Amz-Signature={secret}"
                $"https://h/k?a=b&x-amz-security-token={secret}&c=d"
                $"https://user:{secret}@h/k"
                $"X-Amz-Credential: {secret}"
                $"<SignatureProvided>{secret}</SignatureProvided>"
                $"{{\"Signature\":\"{secret}\"}}"
            ]

        return $"{before} {shape} {after}"
    }

[<Tests>]
let tests =
    testList "FailureReport" [
        testCase "is this text" (fun () ->
            Expect.equal
                (FailureReport.toJson fullReport)
                """{"cellId":"c","artifactName":"ü/\"x\"","destination":"s3://b/c/ü/\"x\"","error":{"kind":"Refused","message":"no.\nNo!","status":403,"code":"AccessDenied","requestId":"R1","hostId":"H1","mayBeStored":true,"attempts":2}}"""
                "to the letter")

        testCase "leaves out what is unknown" (fun () ->
            Expect.equal
                (FailureReport.toJson {
                    fullReport with
                        CellId = None
                        ArtifactName = None
                        Destination = None
                        Status = None
                        Code = None
                        RequestId = None
                        HostId = None
                        MayBeStored = false
                        Attempts = 0
                })
                """{"error":{"kind":"Refused","message":"no.\nNo!","attempts":0}}"""
                "the others")

        testCase "tells a failure of the push machine" (fun () ->
            let failure =
                failure (feed once [ started; attempted 1500 (error 403 "AccessDenied" "no") ])

            let root, error = parse (FailureReport.toJson (FailureReport.ofFailure failure))
            let field (element: JsonElement) (name: string) = element.GetProperty(name).GetString()
            Expect.equal (field root "cellId") failure.CellId "the cell"
            Expect.equal (field root "artifactName") failure.ArtifactName "the artifact"
            Expect.equal (field root "destination") failure.Destination "where"
            Expect.equal (field error "kind") "Refused" "the kind"
            Expect.equal (field error "message") failure.Message "the message"
            Expect.equal (error.GetProperty("status").GetInt32()) 403 "the status"
            Expect.equal (field error "code") "AccessDenied" "the code"
            Expect.equal (field error "requestId") "REQ1" "the request"
            Expect.equal (error.GetProperty("attempts").GetInt32()) 1 "the attempts")

        testCase "names each kind as its case is named" (fun () ->
            for case in Microsoft.FSharp.Reflection.FSharpType.GetUnionCases typeof<FailureKind> do
                let kind =
                    unbox<FailureKind>(Microsoft.FSharp.Reflection.FSharpValue.MakeUnion(case, [||]))

                let failure = failure (feed once [ started; attempted 0 (error 403 "x" "no") ])

                Expect.equal
                    (FailureReport.ofFailure { failure with Kind = kind }).Kind
                    case.Name
                    "the same name")

        propertyTimes 500 "gives its values back, redacted" Results.report (fun report ->
            let root, error = parse (FailureReport.toJson report)

            let optional (element: JsonElement) (name: string) =
                match element.TryGetProperty name with
                | true, value -> Option.ofObj (value.GetString())
                | _ -> None

            let redacted = Option.map Redaction.text

            Expect.equal
                ({
                    CellId = optional root "cellId"
                    ArtifactName = optional root "artifactName"
                    Destination = optional root "destination"
                    Kind = optional error "kind" |> Option.defaultValue "absent"
                    Message = optional error "message" |> Option.defaultValue "absent"
                    Status =
                        match error.TryGetProperty "status" with
                        | true, value -> Some(value.GetInt32())
                        | _ -> None
                    Code = optional error "code"
                    RequestId = optional error "requestId"
                    HostId = optional error "hostId"
                    MayBeStored = fst (error.TryGetProperty "mayBeStored")
                    TargetKind = None
                    TargetName = None
                    IsRedacted = false
                    Attempts = error.GetProperty("attempts").GetInt32()
                    Spooled = fst (error.TryGetProperty "spooled")
                }
                : FailureReport)
                {
                    report with
                        Message = Redaction.text report.Message
                        Code = redacted report.Code
                        RequestId = redacted report.RequestId
                        HostId = redacted report.HostId
                }
                "the same")

        testCase "an artifact that is kept in a spool is reported so" (fun () ->
            let _, error = parse (FailureReport.toJson { fullReport with Spooled = true })
            Expect.isTrue (error.GetProperty("spooled").GetBoolean()) "in JSON"

            let event =
                CloudEvent.ofFailure DateTimeOffset.UnixEpoch { fullReport with Spooled = true }

            Expect.stringEnds event "\"attempts\":2,\"spooled\":true}}" "in an event")

        testCase "the message of this library's own failure keeps its words" (fun () ->
            let message =
                "the signature does not cover 'x-amz-meta-token': S3 answers 403 to that"

            for isRedacted, expected in [ true, message; false, message.Replace("S3", "REDACTED") ] do
                let _, error =
                    parse (
                        FailureReport.toJson {
                            fullReport with
                                Message = message
                                IsRedacted = isRedacted
                        }
                    )

                Expect.equal (error.GetProperty("message").GetString()) expected "the message")

        propertyTimes 500 "is one line, its fields in order" Results.report (fun report ->
            let json = FailureReport.toJson report

            Expect.isFalse
                (json |> Seq.exists (fun c -> Char.IsControl c || c = '\u2028' || c = '\u2029'))
                "one line"

            let root, error = parse json

            let inOrder all some =
                all |> List.filter (fun name -> List.contains name some)

            Expect.equal (names root) (inOrder outer (names root)) "order"
            Expect.equal (names error) (inOrder inner (names error)) "order within"
            Expect.isTrue (List.contains "error" (names root)) "an error")

        propertyTimes 200 "is total over halves of surrogate pairs" anyText (fun text ->
            let json =
                FailureReport.toJson {
                    fullReport with
                        ArtifactName = Some text
                        Message = text
                        Code = Some text
                }

            Expect.equal (names (fst (parse json))) outer "all fields")

        propertyTimes
            500
            "holds no secret, whoever made the failure"
            (gen {
                let! secret = secret
                let! texts = Gen.listOfLength 3 (planted secret)
                return secret, texts
            })
            (fun (secret, texts) ->
                FailureReport.toJson {
                    fullReport with
                        Message = texts[0]
                        Code = Some texts[1]
                        RequestId = Some texts[2]
                }
                |> holds [ secret ]
                |> fun found -> Expect.isEmpty found "none")
    ]
