module CellOS.Export.S3.Core.Tests.InTotoTests

open System
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UriRules
open CellOS.Export.S3.Core.Tests.ReceiptTests
open CellOS.Export.S3.Core.Tests.CloudEventTests

let private root (json: string) = JsonDocument.Parse(json).RootElement

let private names (element: JsonElement) = [ for field in element.EnumerateObject() -> field.Name ]

let private text (name: string) (element: JsonElement) =
    match element.TryGetProperty name with
    | true, value -> Option.ofObj (value.GetString())
    | _ -> None

let private statement (receipt: Receipt) =
    Expect.wantOk (InTotoStatement.ofReceipt receipt) "a statement"

let private subjectOf (statement: string) =
    (root statement).GetProperty("subject").EnumerateArray() |> Seq.exactlyOne

/// The rules of Statement v1, ResourceDescriptor v1, DigestSet and the field types that they use.
let private problems (statement: string) = [
    let root = root statement
    let known = [ "_type"; "subject"; "predicateType"; "predicate" ]

    if names root <> known then
        $"the fields are {names root}"

    if text "_type" root <> Some "https://in-toto.io/Statement/v1" then
        "the type is another"

    let isNormal (uri: string) =
        let head = uri.Substring(0, uri.IndexOf('/', uri.IndexOf "://" + 3))
        isUri uri && head = head.ToLowerInvariant()

    match text "predicateType" root with
    | Some uri when isNormal uri && uri.Contains "/v1" -> ()
    | other -> $"the predicate's type is {other}"

    if (root.GetProperty "predicate").ValueKind <> JsonValueKind.Object then
        "the predicate is no object"

    for subject in (root.GetProperty "subject").EnumerateArray() do
        match names subject |> List.except [ "name"; "uri"; "digest" ] with
        | [] -> ()
        | others -> $"the subject has {others}"

        match text "uri" subject with
        | Some uri when not (isNormal uri) -> $"no ResourceURI: {uri}"
        | _ -> ()

        match subject.TryGetProperty "digest" with
        | true, digest ->
            for algorithm in digest.EnumerateObject() do
                let value = string (algorithm.Value.GetString())

                if algorithm.Name <> "sha256" || not (Regex.IsMatch(value, @"\A[0-9a-f]{64}\z")) then
                    $"no digest: {algorithm.Name} {value}"
        | _ -> "there is no digest"
]

let private uri (destination: string) =
    statement { full with Destination = destination } |> subjectOf |> text "uri"

[<Tests>]
let tests =
    testList "InTotoStatement" [
        testCase "is this text" (fun () ->
            let receipt = {
                full with
                    Destination = "s3://b/c d/ü"
                    ArtifactName = "ü"
                    Sha256 = String('A', 64)
            }

            Expect.equal
                (statement receipt)
                $"""{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"ü","uri":"s3://b/c%%20d/%%C3%%BC","digest":{{"sha256":"{String('a', 64)}"}}}}],"predicateType":"https://cellos.dev/attestations/export-receipt/v1","predicate":{Receipt.toJson receipt}}}"""
                "to the letter")

        propertyTimes 500 "keeps the rules, and holds the receipt" Results.receipt (fun receipt ->
            let statement = statement receipt
            Expect.isEmpty (problems statement) statement
            let predicate = ((root statement).GetProperty "predicate").GetRawText()
            Expect.equal predicate (Receipt.toJson receipt) "the receipt's own JSON"

            Expect.equal
                (Receipt.parse predicate)
                (Ok {
                    receipt with
                        StartedAt = toMilliseconds receipt.StartedAt
                        CompletedAt = toMilliseconds receipt.CompletedAt
                })
                "which gives its values back"

            let subject = subjectOf statement
            Expect.equal (text "name" subject) (Some receipt.ArtifactName) "the artifact"

            Expect.equal
                (text "uri" subject |> Option.map Uri.UnescapeDataString)
                (Some receipt.Destination)
                "where it is"

            Expect.equal (text "sha256" (subject.GetProperty "digest")) (Some receipt.Sha256) "its digest")

        propertyTimes
            1000
            "of anybody's receipt keeps the rules, if its SHA-256 is one"
            (Gen.zip foreignReceipts (Gen.elements [ full.Sha256; full.Sha256.ToUpperInvariant() ]))
            (fun (receipt, sha256) ->
                let receipt = { receipt with Sha256 = sha256 }
                Expect.isEmpty (problems (statement receipt)) "rules")

        table
            "is refused of a receipt without a SHA-256"
            [
                Unchecked.defaultof<string>
                ""
                "00"
                String('g', 64)
                String('a', 63)
                String('a', 65)
                String('\uff11', 64)
            ]
            (fun sha256 ->
                match InTotoStatement.ofReceipt { full with Sha256 = sha256 } with
                | Ok _ -> ""
                | Error refusal -> refusal.Problem)
            (fun _ -> "has no 64 hexadecimal digits in 'sha256'")

        table
            "has a URI where that names the object, and none where it would name another"
            [
                "s3://my.bucket-1/a/b", Some "s3://my.bucket-1/a/b"
                "s3://b/a b?x=y#z%2F+", Some "s3://b/a%20b%3Fx%3Dy%23z%252F%2B"
                "s3://b//a//b/", Some "s3://b//a//b/"
                "s3://b/汉/\uffff", Some "s3://b/%E6%B1%89/%EF%BF%BF"
                "s3://b/...", Some "s3://b/..."
                "s3://Evidence/a", None
                "s3://Üblich/a", None
                "s3://a b/a", None
                "s3://user:pass@b/a", None
                "s3://b/../a", None
                "s3://b/a/.", None
                "s3://b/", None
                "s3://b", None
                "s3:///a", None
                "S3://b/a", None
                "file:///x", None
                "https://h/k?X-Amz-Signature=0123456789abcdef", None
                "", None
            ]
            (fst >> uri)
            snd

        testCase "leaves out a name that is none" (fun () ->
            for name in [ ""; Unchecked.defaultof<string> ] do
                let subject = subjectOf (statement { full with ArtifactName = name })
                Expect.equal (names subject) [ "uri"; "digest" ] "the others")
    ]
