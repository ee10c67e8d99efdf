module CellOS.Export.S3.Core.Tests.BatchDraftTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private ok result =
    match result with
    | Ok value -> value
    | Error refusal -> failwith $"{refusal}"

let private target =
    Target.create
        (ok (CellId.create "cell-1"))
        (ok (Bucket.create "evidence"))
        (Some(ok (UrlTemplate.parse "https://h/{artifact_name}?X-Amz-Signature=q1w2e3r4t5y6u7i8")))

let private draft (name: string | null) : ArtifactDraft = {
    Name = name
    Path = "/x"
    ContentType = null
    Headers = []
}

let private problems (names: (string | null) list) =
    BatchDraft.problems target {
        Concurrency = BatchDraft.DefaultConcurrency
        Artifacts = List.map draft names
    }

let private says (texts: string list) (problems: Refusal list) =
    Expect.hasLength problems texts.Length "as many problems"

    for text, problem in List.zip texts problems do
        Expect.stringContains problem.Message text "the problem"

/// Names of which some are equal.
let private repeated =
    gen {
        let! few = Gen.nonEmptyListOf artifactText
        let! count = Gen.choose (0, 30)
        return! Gen.listOfLength count (Gen.elements few)
    }

[<Tests>]
let tests =
    testList "BatchDraft" [
        testCase "accepts nothing at all, and names that differ in case or form" (fun () ->
            Expect.isEmpty (problems []) "none"
            Expect.isEmpty (problems [ "a"; "A"; "a/b"; "é"; "e\u0301" ]) "each is a key of its own")

        testCase "tells all that is wrong at once, by place" (fun () ->
            problems [ "a"; ".."; "b"; "a"; null; String('x', 255) |> String.replicate 5; "a" ]
            |> says [
                "artifact name of artifact 2 is '..'"
                "artifact name of artifact 4 ('a') is that of artifact 1 as well"
                "artifact name of artifact 5 is empty"
                "artifact name of artifact 6 is 1275 bytes long"
                "artifact name of artifact 7 ('a') is that of artifact 1 as well"
            ])

        testCase "refuses a key that is too long, a missing path and a content type that is none" (fun () ->
            let long = String.Join('/', List.replicate 5 (String('x', 250)))

            BatchDraft.problems target {
                Concurrency = 1
                Artifacts = [
                    draft long
                    { draft "a" with Path = null }
                    { draft "b" with ContentType = "ü" }
                    {
                        Name = ".."
                        Path = null
                        ContentType = null
                        Headers = []
                    }
                ]
            }
            |> says [
                "object key of artifact 1"
                "path of artifact 2 is missing"
                "content type of artifact 3"
                "artifact name of artifact 4"
                "path of artifact 4 is missing"
            ])

        table
            "takes 1 to 256 at once"
            [
                Int32.MinValue, false
                0, false
                1, true
                256, true
                257, false
                Int32.MaxValue, false
            ]
            (fun (concurrency, _) ->
                (BatchDraft.problems target {
                    Concurrency = concurrency
                    Artifacts = []
                })
                    .IsEmpty)
            snd

        testCase "walks through the artifacts once" (fun () ->
            let walks = ref 0

            let artifacts =
                seq {
                    walks.Value <- walks.Value + 1
                    draft "a"
                    draft "a"
                }

            BatchDraft.problems target {
                Concurrency = 1
                Artifacts = artifacts
            }
            |> says [ "artifact 2" ]

            Expect.equal walks.Value 1 "one walk")

        property "refuses exactly the second and later ones of a name" repeated (fun names ->
            Expect.equal
                (problems names).Length
                (names.Length - (List.distinct names).Length)
                "as many as there are too many")

        property
            "puts 50 problems into words, and says how many more there are"
            (Gen.choose (0, 120))
            (fun count ->
                let message = BatchDraft.message (problems (List.replicate count ".."))
                let told = message.Split("is '..'").Length - 1
                Expect.equal told (min count 50) "told"

                Expect.equal
                    (message.Contains $"There are {count - 50} more problems of this kind.")
                    (count > 50)
                    "the rest")

        property "quotes no secret of a name, on one line" anyText (fun text ->
            let secret = "q1w2e3r4t5y6u7i8"
            let name = $"x?X-Amz-Signature={secret}{text}"
            let message = BatchDraft.message (problems [ name; name ])
            Expect.isEmpty (holds [ secret ] message) "none"

            Expect.isFalse
                (message
                 |> Seq.exists (fun c -> Char.IsControl c || c = '\u2028' || c = '\u2029'))
                "one line")
    ]
