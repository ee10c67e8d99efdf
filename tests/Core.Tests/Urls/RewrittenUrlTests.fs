/// Presigned URLs that a mail filter, a chat program or a template engine rewrote, and URLs that a program gives.
module CellOS.Export.S3.Core.Tests.RewrittenUrlTests

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.UrlDefectTests

let private secret = "5ecret51gnature0123456789"

let private original =
    $"https://evidence.s3.us-west-2.amazonaws.com/cell/a.txt?X-Amz-Credential=AKIA5ECRETKEYID&X-Amz-Signature={secret}"

let private encoded = Uri.EscapeDataString original

/// As Proofpoint's second version writes it.
let private proofpoint2 =
    encoded.Replace("%2F", "_").Replace("-", "-2D").Replace("%", "-")

/// Link, and the program that the message names.
let private links = [
    $"https://eur01.safelinks.protection.outlook.com/?url={encoded}&data=05%%7C02%%7Ca&sdata=x&reserved=0",
    "Safe Links"
    $"https://gcc02.safelinks.protection.office365.us/?url={encoded}&data=a", "Safe Links"
    $"https://EUR01.SafeLinks.Protection.Outlook.com:443/?url={encoded}", "Safe Links"
    $"https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url={encoded}",
    "Teams"
    $"https://urldefense.com/v3/__{original}__;!!AbCdEf!abcdefgh$", "Proofpoint"
    $"https://urldefense.us/v3/__{original}__;!!AbCdEf!abcdefgh$", "Proofpoint"
    $"https://urldefense.proofpoint.com/v2/url?u={proofpoint2}&d=DwMFaQ&c=x&r=y", "Proofpoint"
    $"https://urldefense.proofpoint.com/v1/url?u={encoded}&k=a", "Proofpoint"
    $"https://linkprotect.cudasvc.com/url?a={encoded}&c=E,1,abc", "Barracuda"
    "https://protect-eu.mimecast.com/s/AbCdEfGhIjKlMnOp?domain=evidence.s3.us-west-2.amazonaws.com",
    "Mimecast"
    "https://url.uk.m.mimecastprotect.com/s/AbCdEfGhIjKlMnOp?domain=amazonaws.com", "Mimecast"
    $"https://secure-web.cisco.com/1AbCdEf/{encoded}", "Cisco"
    $"https://clicktime.symantec.com/3AbC?u={encoded}", "Symantec"
    $"https://eu-west-1.protection.sophos.com/?d=amazonaws.com&u={encoded}", "Sophos"
    $"https://protect.checkpoint.com/v2/___{original}___.YXBzMTp4", "Check Point"
    $"https://url.avanan.click/v2/___{original}___.YXBzMTp4", "Check Point"
    $"https://protect2.fireeye.com/v1/url?k=a&u={encoded}", "Trellix"
    $"https://linklock.titanhq.com/analyse?url={encoded}", "TitanHQ"
    $"https://urlsand.esvalabs.com/?u={encoded}", "Libraesva"
    $"https://www.google.com/url?q={encoded}&sa=D", "Google"
    $"https://slack-redir.net/link?url={encoded}", "Slack"
    $"https://l.facebook.com/l.php?u={encoded}", "Facebook"
]

let private remedy = "send the URL in a file, and not in the text of a message"

let private problems (variable: string) (text: string) =
    let resolution = resolve [ s3 "a" ] [] [ suffixed variable "a", text ]
    Settings.refusals resolution |> List.map _.Message |> String.concat "\n"

let private json (text: string) = Text.Json.JsonSerializer.Serialize text

/// Placeholders in the ways that programs encode them.
let private placeholders = [
    "%7Bcell_id%7D", "{cell_id}"
    "%7bcell_id%7d", "{cell_id}"
    "%257Bcell_id%257D", "{cell_id}"
    "%257bcell_id%257d", "{cell_id}"
    "%25257Bcell_id%25257D", "{cell_id}"
    "%7Bcell%5Fid%7D", "{cell_id}"
    "%7BcellId%7D", "{cell_id}"
    "%7Bcell-id%7D", "{cell_id}"
    "%24%7BCELL_ID%7D", "{cell_id}"
    "%7Bartifact_name%7D", "{artifact_name}"
    "%257bartifact_name%257d", "{artifact_name}"
]

let private gateway (path: string) = $"https://gw.example/evidence/{path}"

let private signed (path: string) =
    $"https://evidence.s3.us-west-2.amazonaws.com/{path}?{query v4}"

/// Valid at the time of the stories.
let private v4Of (path: string) =
    (Stories.v4 3600).Replace("cell-1/logs/out.txt", path)

/// What is found of an exact URL, for the cell and the artifact.
let private found (cell: string option) (artifact: string) (text: string) =
    let context = {
        contextOf [ variable, text ] with
            CellId = cell |> Option.map (CellId.create >> Result.toOption >> Option.get)
    }

    let resolution = Settings.resolve context (specOf [ s3 "a" ] [ listed artifact ])
    Expect.isEmpty resolution.Problems text

    resolution.Findings
    |> List.filter (fun finding -> finding.What.Contains "placeholder")
    |> List.map (fun finding -> finding.Id, finding.Severity)

let private pushOf (cell: string) (artifact: string) (change: Target -> Target) (url: string) =
    let target =
        Target.create
            (CellId.create cell |> Result.toOption |> Option.get)
            (Bucket.create "evidence" |> Result.toOption |> Option.get)
            None
        |> change

    let plan =
        PushPlan.create target (ArtifactName.create artifact |> Result.toOption |> Option.get)
        |> Result.toOption
        |> Option.get

    let turns = Driver.feed plan [ started; Input.UrlGiven(at 0, parsed url) ]

    match (List.last turns).Output with
    | Output.Put _ -> "put"
    | Output.Failed failure -> $"{failure.Kind}: {failure.Message}"
    | other -> word other

let private unusable (text: string) =
    text.StartsWith "UrlUnusable: "
    && text.Contains "percent-encoded braces"
    && text.Contains "Ask the presigner for a URL for the key"

[<Tests>]
let tests =
    testList "Rewritten URLs" [
        table
            $"{links.Length} links of mail filters and chat programs are refused in a variable, and the program is named"
            links
            (fun (text, program) ->
                let message = problems Variable.PresignedUrl text

                message.Contains program
                && message.Contains "wrote in the place of the URL"
                && message.Contains remedy)
            (fun _ -> true)

        table
            "they are refused as a template, as the legacy variable, in a manifest, and from a program"
            links
            (fun (text, program) ->
                [
                    problems Variable.PresignedUrl (text.Replace("a.txt", "{artifact_name}"))
                    problems Variable.LegacyUrl text
                    match UrlManifest.parse $"{{\"a.txt\": {json text}}}" with
                    | Error problems -> String.concat "\n" problems
                    | Ok _ -> "accepted"
                    match ProvidedUrl.parse text with
                    | Error problem -> problem
                    | Ok _ -> "accepted"
                ]
                |> List.filter (fun message -> not (message.Contains program && message.Contains remedy)))
            (fun _ -> [])

        table
            "no message and no redacted text contains a secret of the URL in the link"
            links
            (fun (text, _) ->
                [
                    problems Variable.PresignedUrl text
                    Redaction.url text
                    Redaction.text text
                    Redaction.plain text
                    Redaction.text $"the link {text} was sent"
                    Shown.line text
                ]
                |> List.filter (fun shown -> shown.Contains secret || shown.Contains "5ECRETKEYID"))
            (fun _ -> [])

        table
            "a host with a similar name is not such a link"
            [
                "https://notmimecast.com/a"
                "https://www.google.com/uploads/a"
                "https://www.google.com.example/url"
                "https://urldefense.com.example/v3/a"
                "https://storage.googleapis.com/evidence/url?q=a"
            ]
            (fun text -> RequestUrl.parse text |> Result.isOk)
            (fun _ -> true)

        table
            "a placeholder with percent-encoded braces is refused in a URL that no signature fixes"
            [
                for text, placeholder in placeholders do
                    gateway $"{text}/a.txt", placeholder
                    gateway $"{text}/{{artifact_name}}", placeholder
                    gateway $"a.txt?cell={text}", placeholder
                    signed $"{text}/{{artifact_name}}x", placeholder
            ]
            (fun (text, placeholder) ->
                let message = problems Variable.PresignedUrl text

                message.Contains $"the placeholder {placeholder} with"
                && message.Contains $"Write {placeholder} ")
            (fun _ -> true)

        table
            "an HTML entity for a brace is named"
            [
                "&#123;cell_id&#125;"
                "&#x7B;cell_id&#x7D;"
                "&lbrace;cell_id&rbrace;"
                "&lcub;cell_id&rcub;"
            ]
            (fun text ->
                (problems Variable.PresignedUrl (gateway $"{text}/a.txt")).Contains
                    "which HTML and XML write for '{'")
            (fun _ -> true)

        table
            "it is an error in a presigned URL for one object, and a warning while the cell is not known"
            placeholders
            (fun (text, placeholder) ->
                let path = if placeholder = "{cell_id}" then $"{text}/a.txt" else $"cell-7/{text}"

                found (Some "cell-7") "a.txt" (signed path), found None "a.txt" (signed path))
            (fun (_, placeholder) ->
                [ "mangled-url", Severity.Error ],
                [
                    "mangled-url", if placeholder = "{cell_id}" then Severity.Warning else Severity.Error
                ])

        table
            "it is an error in a manifest"
            [ signed "%7Bcell_id%7D/a.txt"; gateway "cell-7/%7bartifact_name%7d" ]
            (fun text ->
                let file = suffixed Variable.PresignedUrlsFile "a"
                let spec = specOf [ s3 "a" ] [ listed "a.txt" ]

                let context = {
                    contextOf [ file, "a.json" ] with
                        CellId = CellId.create "cell-7" |> Result.toOption
                }

                (Settings.resolve context spec
                 |> Settings.withManifest
                     context
                     spec
                     (nameOf "a")
                     (UrlManifest.parse $"{{\"a.txt\": {json text}}}"))
                    .Findings
                |> List.exists (fun finding ->
                    finding.Severity = Severity.Error
                    && finding.What.Contains "placeholder"
                    && finding.Remedy.Contains "Ask the presigner for a URL for the key"))
            (fun _ -> true)

        table
            "a presigned URL for a key that contains the same text has no finding and is sent"
            [
                "{cell_id}", "a.txt", "%7Bcell_id%7D/a.txt"
                "cell-7", "{artifact_name}", "cell-7/%7Bartifact_name%7D"
            ]
            (fun (cell, artifact, path) ->
                found (Some cell) artifact (signed path), pushOf cell artifact id (v4Of path))
            (fun _ -> [], "put")

        table
            "other braces in a key are no placeholder"
            [ "%7Bcell%7D/a.txt"; "%7Bx%7D/a.txt"; "cell_id/a.txt"; "7Bcell_id7D/artifact" ]
            (fun path -> problems Variable.PresignedUrl (gateway path))
            (fun _ -> "")

        table
            "a push sends no URL with such a placeholder, whatever the key check"
            [
                for text, placeholder in placeholders do
                    let path = if placeholder = "{cell_id}" then $"{text}/a.txt" else $"cell-7/{text}"

                    v4Of path
                    gateway path
            ]
            (fun text ->
                [ id; (fun (target: Target) -> { target with KeyCheck = false }) ]
                |> List.map (fun change -> pushOf "cell-7" "a.txt" change text)
                |> List.filter (unusable >> not))
            (fun _ -> [])

        table
            "a URL from a program is refused for the same defects as one in a manifest"
            [
                url v4, "accepted"
                url v4 + ".", "The URL ends with a full stop, which is not a part of it"
                url [ v4.Head ], "The URL was cut at its first '&'"
                url (List.truncate 5 v4), "The URL has no signature: it lacks X-Amz-Signature"
                $"https://evidence.s3.us-west-2.amazonaws.com/cell/a.txt", "The URL has no signature"
                (url v4).Replace(hex64, hex64.Substring 10), "54 characters"
                (url v4).Replace("3600", "691200"), "over 604800 seconds"
                (url v4).Replace("%2F", "%252F"), "percent-encoded twice"
                (url v4).Replace("&", "&amp;"), "contains '&amp;'"
                // Not every store refuses it.
                (url v4).Replace("3600", "691200").Replace("evidence.s3.us-west-2.amazonaws.com", "h.example"),
                "accepted"
                "https://gw.example/put?token=x", "accepted"
            ]
            (fun (text, part) ->
                match ProvidedUrl.parse text with
                | Ok _ -> "accepted"
                | Error problem when problem.Contains part && not (problem.Contains "shell") -> part
                | Error problem -> problem)
            snd
    ]
