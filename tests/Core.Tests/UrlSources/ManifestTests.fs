module CellOS.Export.S3.Core.Tests.ManifestTests

open System
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Shown
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private told json =
    match UrlManifest.parse json with
    | Ok manifest -> [ $"{UrlManifest.count manifest} good" ]
    | Error problems -> problems

let private starts (expected: string list) (told: string list) =
    if
        expected.Length = told.Length
        && List.forall2 (fun (words: string) (text: string) -> text.Contains words) expected told
    then
        []
    else
        told

let private signed host path =
    $"https://{host}{path}?X-Amz-Signature=%s{Guid.NewGuid().ToString()}"

let private half = string (char 0xd800)

/// A JSON object of these names and values, in which names may be there twice.
let private json (entries: (string * string) list) =
    entries
    |> List.map (fun (name, value) -> $"{JsonSerializer.Serialize name}: {JsonSerializer.Serialize value}")
    |> String.concat ", "
    |> sprintf "{ %s }"

let private artifactNamed text =
    match ArtifactName.create text with
    | Ok name -> name
    | Error refusal -> failwithf "%O" refusal

[<Tests>]
let manifest =
    testList "UrlManifest" [
        table
            "what a manifest is, and what is wrong with others"
            [
                "{}", [ "0 good" ]
                "\ufeff{ \"a\": \"https://h/a\" }", [ "1 good" ]
                "{ /* one */ \"a\": \" https://h/a \\n\", }", [ "1 good" ]
                "", [ "It is not valid JSON" ]
                "{", [ "It is not valid JSON" ]
                "{\n\n\"a\": }", [ "It is not valid JSON: line 3, column 6 has '}'" ]
                "https://h/a?token=x", [ "It is not valid JSON" ]
                String('[', 100_000), [ "It is not valid JSON" ]
                $"{{ \"a\": \"{half}\" }}", [ "It is not valid JSON" ]
                "[]", [ "It is JSON of the kind Array" ]
                "\"https://h/a\"", [ "It is JSON of the kind String" ]
                "null", [ "It is JSON of the kind Null" ]
                "{ \"a\": 1 }", [ "entry 1 ('a') must be a text, and is Number" ]
                "{ \"a\": null }", [ "must be a text, and is Null" ]
                "{ \"a\": { \"b\": \"https://h/a\" } }", [ "must be a text, and is Object" ]
                "{ \"a\": \"\\ud800\" }", [ "entry 1 ('a') holds half of a surrogate pair" ]
                "{ \"\\udc00\": \"https://h/a\" }", [ "entry 1 holds half of a surrogate pair" ]
                "{ \"\\ud83d\\ude00\": \"https://h/a\" }", [ "1 good" ]
                "{ \"a\": \"\" }", [ "The upload URL is empty" ]
                "{ \"a\": \"ftp://h/a\" }", [ "does not begin with http" ]
                "{ \"a\": \"https://h/{artifact_name}\" }", [ "contains a brace" ]
                "{ \"\": \"https://h/a\" }", [ "The artifact name is empty" ]
                "{ \"/a\": \"https://h/a\" }", [ "begins with a '/'" ]
                "{ \"../a\": \"x\", \"b\": 2 }",
                [
                    "entry 1 ('../a'): The artifact name"
                    "entry 1 ('../a'): The upload URL"
                    "entry 2 ('b') must be"
                ]
                "{ \"a\": \"https://h/a\", \"a\": \"https://h/b\" }", [ "entry 2 ('a') appears twice" ]
                "{ \"a\": \"https://h/a\", \"A\": \"https://h/b\" }", [ "2 good" ]
                "{ \"a\": \"https://h/a\", \"\\u0061\": \"https://h/b\" }", [ "entry 2 ('a') appears twice" ]
                "{ \"a\": { \"b\": [ 1 ] }, \"c\": [ {} ], \"/\": true }",
                [
                    "entry 1 ('a') must be a text, and is Object"
                    "entry 2 ('c') must be a text, and is Array"
                    "entry 3 ('/'): The artifact name"
                    "entry 3 ('/') must be a text, and is True"
                ]
                "{ \"a\": \"https://h/a\" } 1", [ "It is not valid JSON" ]
                "{ \"a\": \"https://h/a\", \"b\" }", [ "It is not valid JSON" ]
            ]
            (fun (json, expected) -> told json |> starts expected)
            (fun _ -> [])

        table
            "one object has one name"
            [
                signed "h" "/a", signed "h" "/b", [ "2 good" ]
                signed "h" "/a", signed "h" "/a", [ "entry 2 ('two') has the URL of 'one'" ]
                signed "h" "/a", signed "H" "/a", [ "has the URL of 'one'" ]
                signed "h" "/a", signed "g" "/a", [ "2 good" ]
                // One key, percent-encoded in two ways.
                signed "b.s3.amazonaws.com" "/a~b",
                signed "b.s3.amazonaws.com" "/%61%7Eb",
                [ "has the URL of 'one'" ]
                // One bucket, reached through two hosts.
                signed "b.s3.us-west-2.amazonaws.com" "/a",
                signed "s3.us-west-2.amazonaws.com" "/b/a",
                [ "has the URL of 'one'" ]
                signed "b.s3.amazonaws.com" "/a", signed "c.s3.amazonaws.com" "/a", [ "2 good" ]
                signed "s3.amazonaws.com" "/b/a", signed "s3.amazonaws.com" "/c/a", [ "2 good" ]
                // A gateway may tell objects apart by its query.
                "https://gw/put?o=1", "https://gw/put?o=2", [ "2 good" ]
                "https://gw/put?o=1", "https://gw/put?o=1", [ "has the URL of 'one'" ]
            ]
            (fun (one, two, expected) -> told (json [ "one", one; "two", two ]) |> starts expected)
            (fun _ -> [])

        testCase "of very many problems the first are told, and how many more there are" (fun () ->
            let problems = told (json [ for n in 1..500 -> $"a{n}", "x" ])
            Expect.hasLength problems 21 "twenty and a sentence"
            Expect.stringContains (List.last problems) "480 more" "how many")

        testCase "a byte that is not UTF-8 is told as that" (fun () ->
            for bytes in [ "{ \"a\": \"https://h/\xff\" }"; "\xc0\x80"; "\xed\xa0\x80" ] do
                match UrlManifest.parseUtf8 (Text.Encoding.Latin1.GetBytes bytes) with
                | Ok _ -> failtest "a manifest"
                | Error problems -> Expect.equal (problems |> starts [ "The file is not UTF-8" ]) [] bytes)

        testCase "UTF-16 and UTF-32 are named, with and without a byte order mark" (fun () ->
            let text = "{ \"a\": \"https://h/a\" }"

            for encoding, name in
                [
                    Text.UnicodeEncoding(false, true) :> Text.Encoding, "UTF-16"
                    Text.UnicodeEncoding(true, true), "UTF-16"
                    Text.UnicodeEncoding(false, false), "UTF-16"
                    Text.UnicodeEncoding(true, false), "UTF-16"
                    Text.UTF32Encoding(false, true), "UTF-32"
                    Text.UTF32Encoding(true, true), "UTF-32"
                ] do
                match
                    UrlManifest.parseUtf8 (Array.append (encoding.GetPreamble()) (encoding.GetBytes text))
                with
                | Ok _ -> failtest "a manifest"
                | Error problems ->
                    let problem = List.exactlyOne problems
                    Expect.stringStarts problem $"The file is {name} text. Save it as UTF-8" name
                    Expect.stringContains problem "Out-File -Encoding utf8" "what to do")

        propertyTimes
            200
            "each artifact has its URL, and no other has one"
            (Gen.frequency [ 3, Gen.choose (0, 6); 1, Gen.choose (50, 200) ]
             |> Gen.bind (fun count -> Gen.listOfLength count (Gen.zip artifact presigned)))
            (fun entries ->
                let entries =
                    entries
                    |> List.distinctBy fst
                    |> List.mapi (fun n (name, planted) -> name, planted.Url.Replace("?", $"/{n}?"))

                let text =
                    json (entries |> List.map (fun (name, url) -> ArtifactName.value name, url))

                match UrlManifest.parse text with
                | Error problems -> failtestf "%A" problems
                | Ok manifest ->
                    Expect.equal (UrlManifest.count manifest) entries.Length "all"

                    for name, url in entries do
                        Expect.equal
                            (UrlManifest.tryFind name manifest |> Option.map RequestUrl.reveal)
                            (Some url)
                            "its own"

                    Expect.isNone (UrlManifest.tryFind (artifactNamed "no such name") manifest) "no other")

        propertyTimes
            500
            "any manifest is read or refused, and shows no secret"
            (gen {
                let value = Gen.frequency [ 3, presigned; 2, anyUrl; 2, pasted ]
                let name = Gen.frequency [ 3, mostly [ "a"; "b"; "logs/c" ]; 2, pasted ]
                let! entries = Gen.listOf (Gen.zip name value) |> Gen.resize 5

                let text (planted: Planted) =
                    if isNull (box planted.Url) then "" else planted.Url

                let! spoil = Gen.frequency [ 5, Gen.constant None; 1, anyText |> Gen.map Some ]
                let good = json (entries |> List.map (fun (name, url) -> text name, text url))
                let! at = Gen.choose (0, good.Length)

                return {
                    Value =
                        match spoil with
                        | None -> good
                        | Some piece -> good.Insert(at, piece)
                    Secrets = entries |> List.collect (fun (name, url) -> name.Secrets @ url.Secrets)
                }
            })
            (fun manifest ->
                match UrlManifest.parse manifest.Value with
                | Ok urls ->
                    Expect.isEmpty (everyWay urls |> List.collect (holds manifest.Secrets)) "the manifest"
                | Error problems ->
                    Expect.isFalse problems.IsEmpty "something is told"
                    Expect.isEmpty (problems |> List.collect (holds manifest.Secrets)) "the problems"
                    Expect.all problems (Seq.exists Char.IsControl >> not) "one line each")
    ]
