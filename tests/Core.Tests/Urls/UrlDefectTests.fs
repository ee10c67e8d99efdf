/// Presigned URLs that lost a part or were altered on their way to a variable, a template or a manifest.
module CellOS.Export.S3.Core.Tests.UrlDefectTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

/// A signature as SigV4 writes it.
let hex64 = String.replicate 8 "0a1b2c3d"

/// Base64 of the given number of octets, percent-encoded.
let base64 (octets: int) =
    Uri.EscapeDataString(Convert.ToBase64String(Array.init octets (fun i -> byte (i * 7))))

let variable = suffixed Variable.PresignedUrl "a"

let private origin = "https://evidence.s3.us-west-2.amazonaws.com/cell/a.txt"

let v4 = [
    "X-Amz-Algorithm", "AWS4-HMAC-SHA256"
    "X-Amz-Credential", "AKIAEXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request"
    "X-Amz-Date", "20260301T120000Z"
    "X-Amz-Expires", "3600"
    "X-Amz-SignedHeaders", "host"
    "X-Amz-Signature", hex64
]

let private google = [
    "X-Goog-Algorithm", "GOOG4-RSA-SHA256"
    "X-Goog-Credential", "a%40b.iam%2F20260301%2Fauto%2Fstorage%2Fgoog4_request"
    "X-Goog-Date", "20260301T120000Z"
    "X-Goog-Expires", "3600"
    "X-Goog-SignedHeaders", "host"
    "X-Goog-Signature", String.replicate 8 hex64
]

let private oss4 = [
    "x-oss-signature-version", "OSS4-HMAC-SHA256"
    "x-oss-credential", "LTAI%2F20260301%2Fcn-hangzhou%2Foss%2Faliyun_v4_request"
    "x-oss-date", "20260301T120000Z"
    "x-oss-expires", "3600"
    "x-oss-signature", hex64
]

let private cos = [
    "q-sign-algorithm", "sha1"
    "q-ak", "AKID"
    "q-sign-time", "1772366400;1772370000"
    "q-key-time", "1772366400;1772370000"
    "q-header-list", "host"
    "q-url-param-list", ""
    "q-signature", hex64.Substring(0, 40)
]

let private v2 = [ "AWSAccessKeyId", "AKIA"; "Signature", base64 20; "Expires", "1772370000" ]
let private google2 = [ "GoogleAccessId", "a%40b"; "Expires", "1772370000"; "Signature", base64 256 ]
let private oss = [ "OSSAccessKeyId", "LTAI"; "Expires", "1772370000"; "Signature", base64 20 ]
let private obs = [ "AccessKeyId", "AK"; "Expires", "1772370000"; "Signature", base64 20 ]

let private azure = [
    "sv", "2024-11-04"
    "se", "2026-03-01T13%3A00%3A00Z"
    "sr", "b"
    "sp", "cw"
    "sig", base64 32
]

let private swift = [ "temp_url_sig", hex64; "temp_url_expires", "1772370000" ]

/// A query of each scheme, good for an hour from noon.
let schemes = [ v4; google; oss4; cos; v2; google2; oss; obs; azure; swift ]

let query (parameters: (string * string) list) =
    parameters
    |> List.map (fun (name, value) -> $"{name}={value}")
    |> String.concat "&"

let url parameters = $"{origin}?{query parameters}"

let private on (host: string) parameters =
    $"https://{host}/evidence/cell/a.txt?{query parameters}"

let private set name value (parameters: (string * string) list) =
    parameters
    |> List.map (fun (known, was) -> known, (if known = name then value else was))

let private without name (parameters: (string * string) list) =
    parameters |> List.filter (fun (known, _) -> known <> name)

let private isDefect (finding: Finding) =
    finding.Id = FindingId.IncompleteSignature || finding.Id = FindingId.MangledUrl

let private findings (text: string) =
    let resolution = resolve [ s3 "a" ] [] [ variable, text ]
    Expect.isEmpty resolution.Problems $"no problem: {text}"
    resolution.Findings |> List.filter isDefect

let private inManifest (text: string) =
    let file = suffixed Variable.PresignedUrlsFile "a"
    let spec = specOf [ s3 "a" ] [ listed "a.txt" ]
    let context = contextOf [ file, "a.json" ]

    Settings.resolve context spec
    |> Settings.withManifest context spec (nameOf "a") (UrlManifest.parse $"{{\"a.txt\": \"{text}\"}}")

let private shown (finding: Finding) = finding.Id, finding.Severity

let private incomplete = [ "incomplete-signature", Severity.Error ]
let private mangled = [ "mangled-url", Severity.Error ]

/// Text, what is found, and what the first message contains.
let private rows = [
    // Cut at an '&', or elsewhere.
    url [ v4.Head ], incomplete, "in quotes where a shell sets it"
    on "minio.example" [ v4.Head ], incomplete, "in quotes where a shell sets it"
    url [ "X-Amz-Expires", "3600" ], incomplete, "in quotes where a shell sets it"
    on "storage.googleapis.com" [ google.Head ], incomplete, "in quotes where a shell sets it"
    on "x.blob.core.windows.net" [ azure.Head ], incomplete, "in quotes where a shell sets it"
    on "h.example" [ oss4.Head ], incomplete, "in quotes where a shell sets it"
    on "h.example" [ cos.Head ], incomplete, "in quotes where a shell sets it"
    on "h.example" [ "AWSAccessKeyId", "AKIA" ], incomplete, "in quotes where a shell sets it"
    on "h.example" [ "GoogleAccessId", "a" ], incomplete, "in quotes where a shell sets it"
    on "h.example" [ "OSSAccessKeyId", "a" ], incomplete, "in quotes where a shell sets it"
    url (List.truncate 3 v4), incomplete, "X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature"
    origin, incomplete, "with '?' and all that follows it"
    origin + "?", incomplete, "Give the presigned URL"
    origin + "?x-id=PutObject", incomplete, "no signature"
    "https://x.blob.core.windows.net/evidence/cell/a.txt", incomplete, "no signature"
    "https://x.r2.cloudflarestorage.com/evidence/cell/a.txt", incomplete, "no signature"
    // One parameter is gone.
    for name, _ in v4 do
        url (without name v4), incomplete, name
    for name, _ in v2 do
        url (without name v2), incomplete, name
    for name in [ "X-Goog-Date"; "X-Goog-Signature" ] do
        on "h.example" (without name google), incomplete, name
    url (set "X-Amz-Date" "" v4), incomplete, "X-Amz-Date"
    // The signature is too short.
    url (set "X-Amz-Signature" (hex64.Substring 10) v4), incomplete, "54 characters"
    on "h.example" (set "X-Amz-Signature" (hex64.Substring 1) v4), incomplete, "63 characters"
    url (set "Signature" "abc" v2), incomplete, "28 characters in Base64"
    on "h.example" (set "sig" ((base64 32).Substring(0, 20)) azure), incomplete, "44 characters in Base64"
    on "h.example" (set "X-Goog-Signature" hex64 google), incomplete, "512"
    on "h.example" (set "q-signature" "0a1b" cos), incomplete, "40 hexadecimal"
    // A mask is no signature.
    url (set "X-Amz-Signature" "REDACTED" v4), incomplete, "is masked"
    url (set "X-Amz-Signature" "..." v4), incomplete, "is masked"
    url (set "X-Amz-Signature" "****" v4), incomplete, "is masked"
    // The signature is too long, or of other characters.
    url (set "X-Amz-Signature" (hex64 + "0") v4), mangled, "65 characters"
    url (set "X-Amz-Signature" (hex64 + hex64) v4), mangled, "128 characters"
    url (set "X-Amz-Signature" ("z" + hex64.Substring 1) v4), mangled, "64 hexadecimal digits"
    url (set "X-Amz-Signature" (hex64.ToUpperInvariant()) v4), mangled, "lower case"
    url (set "Signature" (base64 21) v2), mangled, "28 characters"
    url (set "Signature" (base64 20 + "AA") v2), mangled, "28 characters"
    on "h.example" (set "sig" (base64 33) azure), mangled, "44 characters"
    on "h.example" (set "temp_url_sig" "xyz" swift), mangled, "hexadecimal"
    // What followed the URL in a sentence.
    for trailer, name in
        [
            ".", "without a full stop"
            ",", "without a comma"
            ";", "without a semicolon"
            ")", "without a bracket"
            "]", "without a bracket"
            "!", "without an exclamation mark"
            "'", "without a quotation mark"
            ").", "without a bracket"
            "%0A", "without a percent-encoded line break"
            "%0d%0a", "without a percent-encoded line break"
            "%20", "without a percent-encoded space"
            "%22", "without a percent-encoded quotation mark"
        ] do
        url v4 + trailer, mangled, name
        url v2 + trailer, mangled, name
        url (v4 @ [ "x-id", "PutObject" ]) + trailer, mangled, name
        on "minio.example" v4 + trailer, mangled, name
    // The lifetime.
    url (set "X-Amz-Expires" "691200" v4), mangled, "seven days"
    url (set "X-Amz-Expires" "604801" v4), mangled, "seven days"
    url (set "X-Amz-Expires" "99999999999999999999999" v4), mangled, "seven days"
    on "h.example" (set "X-Amz-Expires" "691200" v4), [ "mangled-url", Severity.Warning ], "seven days"
    on "h.example" (set "X-Goog-Expires" "691200" google), mangled, "seven days"
    url (set "X-Amz-Expires" "1h" v4), mangled, "not a number"
    url (set "X-Amz-Expires" "-1" v4), mangled, "not a number"
    url (set "X-Amz-Expires" "3600.0" v4), mangled, "not a number"
    // The times.
    url (set "X-Amz-Date" "2026-03-01" v4), mangled, "X-Amz-Date is not a time"
    url (set "X-Amz-Date" "20260301T120000" v4), mangled, "X-Amz-Date is not a time"
    url (set "Expires" "tomorrow" v2), mangled, "Expires is not a time"
    on "h.example" (set "X-Goog-Date" "1772370000" google), mangled, "X-Goog-Date is not a time"
    on "h.example" (set "se" "tomorrow" azure), mangled, "se is not a time"
    on "h.example" (set "q-sign-time" "1772366400" cos), mangled, "q-sign-time"
    on "h.example" (set "temp_url_expires" "soon" swift), mangled, "temp_url_expires"
    // The credential's scope.
    for scope in
        [
            "AKIA"
            "AKIA%2F20260301%2Fus-west-2%2Fs3"
            "AKIA%2F20260301%2Fs3%2Faws4_request"
            "AKIA%2F20260301%2F%2Fs3%2Faws4_request"
            "%2F20260301%2Fus-west-2%2Fs3%2Faws4_request"
            "AKIA%2F2026-03-01%2Fus-west-2%2Fs3%2Faws4_request"
            "AKIA%2F20260301%2Fus-west-2%2Fs3%2Faws4"
        ] do
        url (set "X-Amz-Credential" scope v4), mangled, "KEYID/YYYYMMDD/REGION/SERVICE/aws4_request"
    url (set "X-Amz-Credential" "AKIA%2F20260228%2Fus-west-2%2Fs3%2Faws4_request" v4),
    mangled,
    "not the date of the signature"
    on "h.example" (set "X-Goog-Credential" "a" google), mangled, "goog4_request"
    // Percent-encoded once more.
    url (set "X-Amz-Credential" "AKIAEXAMPLE%252F20260301%252Fus-west-2%252Fs3%252Faws4_request" v4),
    mangled,
    "percent-encoded twice"
    url (set "X-Amz-SignedHeaders" "host%253Bx-amz-acl" v4), mangled, "percent-encoded twice"
    url (set "Signature" ((base64 20).Replace("%", "%25")) v2), mangled, "percent-encoded twice"
    url (v4 @ [ "X-Amz-Security-Token", "a%252Fb%253D" ]), mangled, "percent-encoded twice"
    origin + "?" + Uri.EscapeDataString(query v4), mangled, "encoded its query as a whole"
    origin + Uri.EscapeDataString("?" + query v4), mangled, "the '?' before them"
    origin + "&" + query v4, mangled, "the '?' before them"
    // Other alterations.
    url (set "X-Amz-SignedHeaders" "content-type" v4), mangled, "does not name 'host'"
    url (set "X-Amz-Algorithm" "AWS4-HMAC" v4), mangled, "X-Amz-Algorithm"
    url (v4 @ v4), mangled, "more than once"
    // A bucket and no object.
    $"https://evidence.s3.us-west-2.amazonaws.com/?{query v4}", mangled, "a bucket and no object"
    $"https://evidence.s3.us-west-2.amazonaws.com?{query v4}", mangled, "a bucket and no object"
    $"https://s3.us-west-2.amazonaws.com/evidence?{query v4}", mangled, "a bucket and no object"
    $"https://s3.us-west-2.amazonaws.com/evidence/?{query v4}", mangled, "a bucket and no object"
    $"https://minio.example/evidence?{query v4}", mangled, "a bucket and no object"
    $"https://evidence.minio.example/?{query v2}", mangled, "a bucket and no object"
]

/// Long values of the query.
let private secretsOf (text: string) =
    let at = text.IndexOf '?'

    (if at < 0 then "" else text.Substring(at + 1)).Split '&'
    |> Array.map (fun parameter -> parameter.Substring(parameter.IndexOf '=' + 1))
    |> Array.filter (fun value -> value.Length >= 12 && not (value.StartsWith "AWS4-HMAC"))

[<Tests>]
let tests =
    testList "Defects of presigned URLs" [
        table
            $"{rows.Length} URLs in a variable"
            rows
            (fun (text, _, part) ->
                match findings text with
                | [] -> [], ""
                | found ->
                    found |> List.map shown |> List.distinct,
                    (if found |> List.exists (fun finding -> finding.Message.Contains part) then
                         part
                     else
                         found.Head.Message))
            (fun (_, expected, part) -> expected, part)

        table
            "the same URLs in a manifest are reported with the name of their artifact"
            rows
            (fun (text, _, _) ->
                let resolution = inManifest text
                let found = resolution.Findings |> List.filter isDefect

                found |> List.map shown |> List.distinct,
                resolution.Problems,
                found
                |> List.forall (fun finding -> finding.What.StartsWith "artifact 'a.txt': "),
                found |> List.exists (fun finding -> finding.Remedy.Contains "shell"),
                Settings.allCanBeExported resolution)
            (fun (_, expected, _) ->
                expected, [], true, false, expected |> List.forall (fun (_, it) -> it <> Severity.Error))

        table
            "the message contains no value of the query"
            rows
            (fun (text, _, _) ->
                let texts = findings text |> List.map string |> String.concat "\n"
                secretsOf text |> Array.filter texts.Contains)
            (fun _ -> [||])

        table
            "URLs of ten schemes as their presigners make them have no defect"
            [
                for scheme in schemes do
                    on "h.example" scheme
                    on "h.example" (List.rev scheme)
                    on "h.example" (scheme @ [ "x-id", "PutObject" ])
                url v4
                url v2
                url (v4 @ [ "X-Amz-Security-Token", "IQoJb3JpZ2luX2VjEJr%2F%2F%2F%3D" ])
                url (v4 @ [ "x-amz-meta-note", "The%20end." ])
                url (set "X-Amz-Credential" "AKIAEXAMPLE/20260301/us-west-2/s3/aws4_request" v4)
                url (set "X-Amz-SignedHeaders" "content-md5%3Bhost" v4)
                url (set "X-Amz-Expires" "604800" v4)
                url (set "X-Amz-Expires" "1" v4)
                $"https://s3express.example/evidence/cell/a?{query v4}&X-Amz-S3session-Token=a"
                on
                    "alias.accesspoint.s3-global.amazonaws.com"
                    (v4
                     |> set "X-Amz-Algorithm" "AWS4-ECDSA-P256-SHA256"
                     |> set "X-Amz-Credential" "AKIA%2F20260301%2Fs3%2Faws4_request"
                     |> set "X-Amz-Signature" ("3045" + hex64 + hex64 + "0a1b0a1b0a"))
                on
                    "h.example"
                    (set "X-Goog-Algorithm" "GOOG4-HMAC-SHA256" google
                     |> set "X-Goog-Signature" hex64)
                on "h.example" (set "temp_url_sig" (hex64.Substring(0, 40)) swift)
                on "h.example" (set "temp_url_sig" "sha256:abcd_-" swift)
                on "h.example" ([ "si", "policy" ] @ (azure |> without "se" |> without "sp"))
                // A gateway's own query.
                "https://gw.example/put"
                "https://gw.example/put."
                "https://gw.example/put?token=x."
                "https://gw.example/put?Expires=1&Signature=s"
                "https://gw.example/put?sig=s&exp=1."
                "https://d1.cloudfront.net/put?Expires=1&Signature=s~&Key-Pair-Id=K"
                "https://objectstorage.us-ashburn-1.oraclecloud.com/p/t0ken/n/ns/b/evidence/o/cell/a.txt"
            ]
            (fun text -> findings text |> List.map string)
            (fun _ -> [])

        table
            "a template has the same findings as warnings"
            [
                for name in [ "X-Amz-Credential"; "X-Amz-Signature" ] do
                    $"https://gw.example/{{cell_id}}/{{artifact_name}}?{query (without name v4)}",
                    [ "incomplete-signature" ]
                $"https://evidence.s3.us-west-2.amazonaws.com/{{cell_id}}/{{artifact_name}}",
                [ "incomplete-signature" ]
                $"https://gw.example/{{cell_id}}/{{artifact_name}}?{query v4}.", [ "mangled-url" ]
                $"https://gw.example/{{cell_id}}/{{artifact_name}}?{query v4}", []
                // A signature alone is the gateway's own.
                "https://gw.example/{cell_id}/{artifact_name}?X-Amz-Signature=...", []
                "https://gw.example/{cell_id}/{artifact_name}", []
            ]
            (fun (text, _) ->
                let found = findings text

                Expect.isTrue
                    (found |> List.forall (fun finding -> finding.Severity = Severity.Warning))
                    "warnings"

                found |> List.map _.Id |> List.distinct)
            snd

        testCase "strictness refuses every one of them, and check ends with 2 for an error" (fun () ->
            for text, expected, _ in rows do
                let resolution = resolve [ s3 "a" ] [] [ variable, text; Variable.Strict, "1" ]
                Expect.isFalse (Settings.refusals resolution).IsEmpty text

                Expect.equal
                    (Settings.allCanBeExported { resolution with Strict = false })
                    (expected |> List.forall (fun (_, severity) -> severity <> Severity.Error))
                    text)

        testCase "findings of several artifacts are counted by what happened to their URLs" (fun () ->
            let file = suffixed Variable.PresignedUrlsFile "a"
            let spec = specOf [ s3 "a" ] []
            let context = contextOf [ file, "a.json" ]
            let of' name = url(v4).Replace("a.txt", name)

            let json =
                [
                    "b", of' "b" + "."
                    "a", of' "a" + "."
                    "c", (of' "c").Replace("20260301T", "yesterday")
                    "d", of' "d"
                ]
                |> List.map (fun (name, url) -> $"\"{name}\": \"{url}\"")
                |> String.concat ","

            Expect.equal
                ((Settings.resolve context spec
                  |> Settings.withManifest context spec (nameOf "a") (UrlManifest.parse $"{{{json}}}"))
                    .Findings
                 |> List.map (fun finding ->
                     finding.What.Split(':')[0], finding.What.Contains "(and 1 more like it)"))
                [ "artifact 'a'", true; "artifact 'c'", false ]
                "two kinds")

        propertyTimes
            300
            "a URL cut anywhere in its query has a defect, unless nothing is lost"
            (gen {
                let! scheme = Gen.elements [ v4; v2; google; oss4; cos ]
                let text = on "s3.us-west-2.amazonaws.com" scheme
                let! length = Gen.choose (text.IndexOf '?', text.Length - 1)
                return text, length
            })
            (fun (text, length) ->
                let cut = text.Substring(0, length)

                match UrlTemplate.parse cut with
                // A percent-escape was cut.
                | Error _ -> ()
                | Ok _ ->
                    // An escape of '=' at the end of Base64, digits of a time, and half of an RSA signature of 2,048 bits,
                    // which is one of 1,024, may be cut unseen.
                    if
                        not (
                            text.EndsWith "%3D"
                            || (text.Substring length).Length < 11 && text.Contains "&Expires="
                            || text.Contains "X-Goog-Signature" && text.Length - length = 256
                        )
                    then
                        Expect.isFalse (findings cut).IsEmpty cut)
    ]
