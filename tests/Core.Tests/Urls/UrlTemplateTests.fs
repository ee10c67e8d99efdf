module CellOS.Export.S3.Core.Tests.UrlTemplateTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private template text =
    match UrlTemplate.parse text with
    | Ok template -> template
    | Error refusal -> failtestf "%s: %O" text refusal

let private named cell artifact =
    match CellId.create cell, ArtifactName.create artifact with
    | Ok cell, Ok artifact -> cell, artifact
    | Error refusal, _
    | _, Error refusal -> failtest refusal.Message

let private rendered text cell artifact =
    let cell, artifact = named cell artifact
    UrlTemplate.render cell artifact (template text)

let private segments (path: string) = path.Split('/').Length

let private cases = Gen.zip3 templateText cellId artifact

/// What of a text must never stand raw in a URL.
let private unreservedOrEscape = @"([A-Za-z0-9._~-]|%[0-9A-F]{2})*"

[<Tests>]
let tests =
    testList "UrlTemplate" [
        propertyTimes
            300
            "parse is total, and no refusal holds a secret"
            (Gen.oneof [ spoilt; anyUrl ])
            (fun planted ->
                match UrlTemplate.parse planted.Url with
                | Ok template ->
                    Expect.isEmpty (holds planted.Secrets (string template)) "a template shows no secret"

                    Expect.isEmpty
                        (holds planted.Secrets $"%A{template} %+A{template}")
                        "however it is shown"
                | Error refusal ->
                    Expect.stringStarts refusal.Message "The upload URL " "says what"
                    Expect.isEmpty (holds planted.Secrets refusal.Message) refusal.Message)

        propertyTimes
            300
            "what parses, renders to a URL that parses"
            (Gen.zip3 anyUrl cellId artifact)
            (fun (planted, cell, artifact) ->
                match UrlTemplate.parse planted.Url with
                | Error _ -> ()
                | Ok template ->
                    let url = UrlTemplate.render cell artifact template
                    Expect.isOk (RequestUrl.parse (RequestUrl.reveal url)) (RequestUrl.reveal url))

        propertyTimes
            300
            "an exact URL is rendered as it is, for any name"
            (Gen.zip3 presigned cellId artifact)
            (fun (planted, cell, artifact) ->
                let template = template planted.Url
                Expect.isTrue (UrlTemplate.isExact template) "it has no placeholder"

                Expect.equal
                    (UrlTemplate.render cell artifact template |> RequestUrl.reveal)
                    planted.Url
                    "octet for octet")

        propertyTimes
            300
            "a URL that names one object admits one artifact, a template of the artifact's name any"
            (Gen.zip3 presigned artifact artifact)
            (fun (planted, a, b) ->
                let open' = template "https://h/{artifact_name}"

                for one in [ template planted.Url; template "https://h/up/{cell_id}?cell={cell_id}" ] do
                    Expect.isOk (UrlTemplate.admit None a one) "the first"
                    Expect.isOk (UrlTemplate.admit (Some a) a one) "the same again"
                    Expect.equal (UrlTemplate.admit (Some a) b one).IsOk (a = b) "another"

                Expect.isOk (UrlTemplate.admit (Some a) b open') "a template")

        property
            "one object admits one address, whichever target it is of"
            (Gen.zip3 artifact artifact (Gen.elements [ "a"; "b" ]))
            (fun (a, b, other) ->
                let orFail result = Expect.wantOk result "valid"

                let address (bucket: string) (artifact: ArtifactName) =
                    ObjectKey.create KeyPrefix.none (orFail (CellId.create "c")) artifact
                    |> Result.map (Destination.create (orFail (Bucket.create bucket)))

                match address "a" a, address other b with
                | Ok first, Ok second ->
                    let admitted = UrlTemplate.admitToAddress a first b second
                    Expect.equal admitted.IsOk (first = second) "no other"

                    match admitted with
                    | Error refusal -> Expect.stringContains refusal.Message "would overwrite it" "why"
                    | Ok() -> ()
                | _ -> ())

        propertyTimes
            300
            "two artifacts that are both admitted have different URLs"
            (Gen.zip (Gen.zip3 cases cellId artifact) artifact)
            (fun (((text, _, _), cell, a), b) ->
                let template = template text

                let url artifact =
                    UrlTemplate.render cell artifact template

                if a <> b && (UrlTemplate.admit (Some a) b template).IsOk then
                    Expect.notEqual (url a) (url b) text)

        propertyTimes
            500
            "a value adds no segment but those of the artifact's name"
            cases
            (fun (text, cell, artifact) ->
                let url = UrlTemplate.render cell artifact (template text)
                let path = text.Substring(0, (text + "?").IndexOf '?').Replace("://", "")

                let added =
                    if path.Contains UrlTemplate.ArtifactNamePlaceholder then
                        segments (ArtifactName.value artifact) - 1
                    else
                        0

                Expect.equal
                    (segments ("x" + RequestUrl.path url))
                    (segments path + added)
                    (RequestUrl.reveal url))

        propertyTimes
            500
            "no raw reserved character comes from a value"
            (Gen.zip cellId artifact)
            (fun (cell, artifact) ->
                let url =
                    UrlTemplate.render
                        cell
                        artifact
                        (template "https://h/A{cell_id}B{artifact_name}C?D={cell_id}&E={artifact_name}&F")

                let value = unreservedOrEscape

                Expect.isMatch
                    (RequestUrl.reveal url)
                    $@"\Ahttps://h/A{value}B{value}(/{value})*C\?D={value}&E={value}&F\z"
                    "only unreserved characters, escapes, and the slashes of the artifact in the path")

        propertyTimes 500 "decoding gives the names back" (Gen.zip cellId artifact) (fun (cell, artifact) ->
            let url =
                UrlTemplate.render
                    cell
                    artifact
                    (template "https://h/c/{cell_id}/{artifact_name}?c={cell_id}&a={artifact_name}")

            let decoded =
                RequestUrl.path(url).Substring(1).Split('/') |> Array.map Uri.UnescapeDataString

            Expect.equal decoded[1] (CellId.value cell) "the cell in the path"

            Expect.equal
                (String.Join('/', decoded[2..]))
                (ArtifactName.value artifact)
                "the artifact in the path"

            match RequestUrl.revealQuery(url).Split('&') with
            | [| c; a |] ->
                Expect.equal
                    (Uri.UnescapeDataString(c.Substring 2))
                    (CellId.value cell)
                    "the cell in the query"

                Expect.equal
                    (Uri.UnescapeDataString(a.Substring 2))
                    (ArtifactName.value artifact)
                    "the artifact in the query"
            | parts -> failtestf "two parameters, not %A" parts)

        propertyTimes
            500
            "two different pairs of names have different URLs"
            (Gen.zip3 templateText (Gen.zip cellId artifact) (Gen.zip cellId artifact))
            (fun (text, a, b) ->
                let url (cell, artifact) =
                    UrlTemplate.render cell artifact (template text) |> RequestUrl.reveal

                Expect.equal (url a = url b) (a = b) "different if and only if the names are")

        property "a rendered URL is sent octet for octet" cases (fun (text, cell, artifact) ->
            let url = UrlTemplate.render cell artifact (template text)
            let rest = if text.Contains '?' then "?" + RequestUrl.revealQuery url else ""
            Expect.equal (RequestUrl.revealUri(url).PathAndQuery) (RequestUrl.path url + rest) "the Uri"
            Expect.stringEnds (RequestUrl.reveal url) (RequestUrl.path url + rest) "the text")

        table
            "what is refused, and why"
            [
                "https://h/{artifact}", "unknown placeholder {artifact}"
                "https://h/{cell-id}/{artifact_name}", "unknown placeholder {cell-id}"
                "https://h/{}", "stray brace"
                "https://h/{cell_id", "stray brace"
                "https://h/cell_id}", "stray brace"
                "https://h/p?x={secret}", "in its query"
                "https://{cell_id}.h/p", "before its path"
                "https://h:{artifact_name}/p", "before its path"
                "{cell_id}://h/p", "before its path"
                "{cell_id}", "before its path"
                "h.example/p/{cell_id}", "does not begin with http:// or https://"
                "h.example:8080/{artifact_name}?X-Amz-Signature=q1w2e3r4",
                "does not begin with http:// or https://"
                "https://u:{p4ssword}@h/p", "stray brace"
                "https://h/{artifact_{cell_id}name}", "brace"
                "https://h/%{cell_id}", "'%'"
                "https://h/{cell_id}#", "fragment"
                "https://h/{cell_id} x", "space"
                "", "empty"
            ]
            (fun (text, why) ->
                match UrlTemplate.parse text with
                | Ok _ -> "accepted"
                | Error refusal when refusal.Problem.Contains why -> why
                | Error refusal -> refusal.Problem)
            snd

        testCase "a typing error is answered with the placeholders that there are" (fun () ->
            let refusal = Expect.wantError (UrlTemplate.parse "https://h/{artifact}") "refused"
            Expect.stringContains refusal.Message "{cell_id}" "the one"
            Expect.stringContains refusal.Message "{artifact_name}" "the other")

        table
            "what is rendered"
            [
                ("https://h/{cell_id}/{artifact_name}", "c 1", "a/b?.txt"), "https://h/c%201/a/b%3F.txt"
                ("https://h/?n={artifact_name}", "c", "a/b"), "https://h/?n=a%2Fb"
                ("https://h/{artifact_name}?n={artifact_name}", "c", "a/b+é"),
                "https://h/a/b%2B%C3%A9?n=a%2Fb%2B%C3%A9"
                ("https://h/{cell_id}/{artifact_name}", "{artifact_name}", "x"),
                "https://h/%7Bartifact_name%7D/x"
                ("https://h/{cell_id}", "%2F", "x"), "https://h/%252F"
                (" https://h/{cell_id}{cell_id}\n", "a~b.c-d_e", "x"), "https://h/a~b.c-d_ea~b.c-d_e"
                ("https://h/%2E%2E/{cell_id}", "𝄞", "x"), "https://h/%2E%2E/%F0%9D%84%9E"
                ("https://h/{cell_id}", "!'()*", "x"), "https://h/%21%27%28%29%2A"
            ]
            (fun ((text, cell, artifact), _) -> rendered text cell artifact |> RequestUrl.reveal)
            snd
    ]
