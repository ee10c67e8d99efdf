module CellOS.Export.S3.Core.Tests.RedactionTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.Decoding
open CellOS.Export.S3.Generators

/// Words of prose too: a comma behind them begins no value.
let private secretWords = [ "sig"; "token"; "secret"; "password"; "sv" ]

let private secretNames =
    [
        "X-Amz-Signature"
        "X-Amz-Credential"
        "X-Amz-Security-Token"
        "X-Amz-S3session-Token"
        "X-Amz-Server-Side-Encryption-Customer-Key"
        "Signature"
        "Credential"
        "AWSAccessKeyId"
        "SignatureProvided"
        "StringToSign"
        "StringToSignBytes"
        "CanonicalRequest"
        "CanonicalRequestBytes"
        "Authorization"
        "Proxy-Authorization"
        "X-Goog-Signature"
        "X-Goog-Credential"
        "X-Goog-Security-Token"
        "GoogleAccessId"
        "OSSAccessKeyId"
        "security-token"
        "x-oss-signature"
        "x-oss-credential"
        "x-oss-security-token"
        "q-signature"
        "q-ak"
        "x-cos-security-token"
        "temp_url_sig"
        "private_token"
        "PRIVATE-TOKEN"
        "access_token"
    ]
    @ secretWords

let rec private escaped times (text: string) =
    if times = 0 then text else escaped (times - 1) (Uri.EscapeDataString text)

let private json (text: string) =
    System.Text.Json.JsonSerializer.Serialize text

/// Ways in which a name and its value stand in a text.
let private forms (name: string) (value: string) = [
    $"?{name}={value}&a=b"
    $"https://h/p?a=b&{name}={value}"
    $"see {name}={value} in the log"
    $"{name} = {value}"
    $"{name}: {value}"
    $"{name}:{value}\r\nHost: h"
    $"first line\n{name}: {value}\nlast line"
    $"{name}:\n  {value}\n"
    $"<{name}>{value}</{name}>"
    $"<Error>\n  <{name}>\n{value}\n</{name}></Error>"
    $"{{\"{name}\": \"{value}\"}}"
    $"{{'{name}':'{value}'}}"
    if not (List.contains (name.ToLowerInvariant()) secretWords) then
        $"[{name}, {value}]"
    $"next=https%%3A%%2F%%2Fh%%2Fp%%3Fa%%3Db%%26{name}%%3D{value}%%26c%%3Dd"
    "next=" + escaped 2 $"https://h/p?{name}={value}&c=d"
    "next=" + escaped 3 $"https://h/p?a=b&{name}={value}"
    "next=" + escaped 1 $"{{\"{name}\":\"{value}\"}}"
    json $"https://h/p?a=b&{name}={value}&c=d"
    json $"{{\"{name}\":\"{value}\"}}"
    json (json $"{{\"a\":\"b\",\"{name}\":\"{value}\"}}")
    json $"first line\n{name}: {value}\nlast line"
    $"{name}=%%20{value}"
    $"&amp;{name}={value}&amp;a=b"
    // Escapes that are made of escapes.
    $"%%2526{name}%%253D{value}%%2526a=b"
    $"&#37;26{name}&#x25;3d{value}"
    $"\\u00252526{name}\\u0026#61;{value}"
    $"%%26%%2361%%3B{name}%%26equals%%3b{value}"
    $"%%5Cu003f{name}%%5C%%75003D{value}"
]

/// A text with a secret under one of the names that secrets have.
let private planted =
    gen {
        let! name = Gen.elements secretNames
        let! name = Gen.frequency [ 2, Gen.constant name; 1, mixedCase name ]
        let! value = secret
        let! before = Gen.elements [ ""; "An error: "; "(" ]
        let! form = Gen.elements (forms name value)
        return value, before + form
    }

let private userInfo =
    gen {
        let! password = secret
        let! head = Gen.elements [ "user:"; ""; "u%40x:"; "us%2Fer:%3f%23"; "a@b:" ]
        let! scheme = Gen.elements [ "https"; "http"; "HTTP" ]
        let! tail = Gen.elements [ "@h/p"; "@h"; "@h:80?a=b"; "%2F@h/" ]
        let url = $"{scheme}://{head}{password}{tail}"

        let! form =
            Gen.elements [ url; $"proxy {url} said no"; $"\"{url}\""; $"<a>{url}</a>"; escaped 1 url ]

        return password, form
    }

/// A URL of any store, a secret of it, and a text that echoes this one in any case or escaping.
let private echoes =
    gen {
        let! planted = Urls.ofAnyStore
        let! value = Gen.elements planted.Echoes
        let! escaped = spelled value
        let! mixed = mixedCase value

        let! shown =
            Gen.elements [ value; mixed; value.ToUpperInvariant(); value.ToLowerInvariant(); escaped ]

        return planted, value, $"a{shown}b"
    }

let private free (secrets: string list) (text: string) =
    Expect.isEmpty (holds secrets text) $"no secret may stay in %A{text}"

let private twice (redact: string -> string) (text: string) =
    let once = redact text
    Expect.equal (redact once) once "a redacted text has nothing left to redact"

[<Tests>]
let tests =
    testList "Redaction" [
        testCase "every form of every name loses its value" (fun () ->
            for name in secretNames do
                for form in forms name "q1w2e3r4t5y6u7i8o9" do
                    free [ "q1w2e3r4t5y6u7i8o9" ] (Redaction.text form))

        propertyTimes 300 "text takes away what stands under a secret name" planted (fun (value, text) ->
            free [ value ] (Redaction.text text))

        propertyTimes 200 "text takes away user info" userInfo (fun (value, text) ->
            free [ value ] (Redaction.text text))

        propertyTimes 200 "url takes away user info" userInfo (fun (value, text) ->
            free [ value ] (Redaction.url text))

        propertyTimes 300 "url takes away every secret of a presigned URL" presigned (fun planted ->
            free planted.Secrets (Redaction.url planted.Url))

        propertyTimes
            300
            "url leaves no secret of a spoilt URL that keeps its query"
            presigned
            (fun planted ->
                let nested = "https://h/?X-Amz-Date=" + planted.Url.Replace("&", ";")
                free planted.Secrets (Redaction.url nested)
                free planted.Secrets (Redaction.url $"https://h/?x%%26{planted.Url.Substring(1)}"))

        propertyTimes
            300
            "text takes away what is under a secret name, however the two are spelled"
            (gen {
                let! name = Gen.elements secretNames
                let! value = secret
                // A name in quoted-printable whose separator is not would make an escape of the separator.
                let! spelledName = spelled name |> Gen.filter (fun name -> not (name.Contains '='))
                let! spelledValue = spelled value
                let! separator = Gen.elements [ "="; "%3D"; "\\u003d"; "&#61;"; "%253d" ]
                return value, $"a {spelledName}{separator}{spelledValue} b"
            })
            (fun (value, text) ->
                Expect.isEmpty
                    (readable [ value ] (Redaction.text text))
                    $"%s{text} → %s{Redaction.text text}")

        propertyTimes
            400
            "known takes away secrets in any case and escaping"
            echoes
            (fun (planted, _, shown) ->
                Expect.isFalse (readable planted.Secrets shown).IsEmpty "the text contains a secret"
                let text = Redaction.known (Redaction.secretsOf planted.Url) shown
                Expect.isEmpty (readable planted.Secrets text) $"%s{shown} → %s{text}")

        testCase "the echoes above differ from the secret in case, in escaping, and not at all" (fun () ->
            let echoes = Gen.sample 400 echoes

            let share (isIt: string * string -> bool) =
                (echoes
                 |> Array.filter (fun (_, secret, shown) -> isIt (secret, shown))
                 |> Array.length)
                * 100
                / echoes.Length

            let contains (comparison: StringComparison) (secret: string, shown: string) =
                shown.Contains(secret, comparison)

            for what, percent in
                [
                    "as it is", share (contains StringComparison.Ordinal)
                    "in another case",
                    share (fun pair ->
                        contains StringComparison.OrdinalIgnoreCase pair
                        && not (contains StringComparison.Ordinal pair))
                    "escaped", share (contains StringComparison.OrdinalIgnoreCase >> not)
                ] do
                Expect.isGreaterThan percent 4 $"%% {what}")

        propertyTimes 300 "all three are total" (Gen.zip anyTextOrNull anyText) (fun (text, secret) ->
            Expect.isFalse (isNull (box (Redaction.text text))) "text"
            Expect.isFalse (isNull (box (Redaction.url text))) "url"
            Expect.isFalse (isNull (box (Redaction.known [ secret ] text))) "known")

        propertyTimes 300 "text is idempotent over anything" anyText (twice Redaction.text)
        propertyTimes 300 "text is idempotent where it masks" (planted |> Gen.map snd) (twice Redaction.text)
        propertyTimes 300 "url is idempotent" (anyUrl |> Gen.map _.Url) (twice Redaction.url)

        propertyTimes 200 "known is idempotent" presigned (fun planted ->
            twice (Redaction.known (Redaction.secretsOf planted.Url)) $"GET {planted.Url} failed")

        property
            "url never gives more than it got, and masks every value that it does not know"
            presigned
            (fun planted ->
                let shown = Redaction.url planted.Url
                Expect.stringContains shown Redaction.Mask "a presigned URL has something to mask"
                let before = planted.Url.IndexOf '?'

                Expect.stringStarts
                    shown
                    (planted.Url.Substring(0, before + 1))
                    "what stands before the query stays")

        testCase "a name without a value does not take the next name for one" (fun () ->
            for text in
                [
                    "X-Amz-Signature= X-Amz-Credential: SECRET"
                    "X-Amz-Signature= Signature=\tX-Amz-Security-Token=SECRET"
                    "Signature:\n\"Signature\": \"SECRET\""
                    "X-Amz-Signature=Signature=SECRET"
                    "Signature= Authorization: AWS4 SECRET x"
                ] do
                let shown = Redaction.text text
                Expect.isFalse (shown.Contains "SECRET") shown

            Expect.equal
                (Redaction.text "X-Amz-Signature=Signature/abc")
                "X-Amz-Signature=REDACTED"
                "a value that only begins like a name")

        testCase "texts without secrets are left alone" (fun () ->
            for text in
                [
                    ""
                    "Access Denied"
                    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
                    "SignatureDoesNotMatch: see the documentation"
                    "Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'us-west-2'"
                    "https://h/p?X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
                    "user@example.com wrote: 100% of it"
                    "X-Amz-SignedHeaders=host;x-amz-security-token&X-Amz-Expires=5"
                    @"C:\new\temp\u00zz"
                    "signatures=many"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        table
            "url shows when a URL was signed, and nothing that signs it"
            [
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=s",
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=REDACTED"
                "https://h/p?x-amz-expires=60&foo=s", "https://h/p?x-amz-expires=60&foo=REDACTED"
                "https://h/p?Expires=1&Signature=s&AWSAccessKeyId=k",
                "https://h/p?Expires=1&Signature=REDACTED&AWSAccessKeyId=REDACTED"
                "https://h/p?token", "https://h/p?REDACTED"
                "https://h/p?a=b#secret", "https://h/p?a=REDACTED"
                "https://h/p#secret", "https://h/p"
                "https://h/p?X-Amz-Date=1#secret", "https://h/p?X-Amz-Date=1"
                "https://h/p/x?X-Amz-Date=https://g/?a=b", "https://h/p/x?X-Amz-Date=REDACTED"
                "https://o/p/t0k-en_/n/ns/b/bucket/o/dir/a.txt",
                "https://o/p/REDACTED/n/ns/b/bucket/o/dir/a.txt"
                "https://o/p/t0k-en_/n/ns/b/bucket/o/?x", "https://o/p/REDACTED/n/ns/b/bucket/o/?REDACTED"
                "https://h/p/2026/n/file", "https://h/p/2026/n/file"
                "https://u:p@h/p", "https://REDACTED@h/p"
                "https://h/p?versionId=3&partNumber=1&x-id=PutObject",
                "https://h/p?versionId=REDACTED&partNumber=1&x-id=PutObject"
                // A value that does not have the form that goes with the name.
                "https://h/p?st=dG9rZW4tc2VjcmV0&expires=dG9rZW4", "https://h/p?st=REDACTED&expires=REDACTED"
                "https://h/p?X-Amz-SignedHeaders=dG9rZW4tc2VjcmV0", "https://h/p?X-Amz-SignedHeaders=REDACTED"
                // A value without a name, with its padding.
                "https://h/p?dG9rZW4tc2VjcmV0==", "https://h/p?REDACTED"
                "", ""
            ]
            (fst >> Redaction.url)
            snd

        table
            "text shows no query and no fragment of a URL, also where .NET took the URL for a path"
            [
                "GET https://gw/put?foo=s failed.", "GET https://gw/put?foo=REDACTED failed."
                "GET https://gw/put?abc failed", "GET https://gw/put?REDACTED failed"
                "(see https://gw/put?abc&x=s&X-Amz-Date=1)",
                "(see https://gw/put?REDACTED&x=REDACTED&X-Amz-Date=1)"
                "Could not find file '/w/https:/gw/put?foo=s'.",
                "Could not find file '/w/https:/gw/put?foo=REDACTED'."
                "Could not find file '/w/https:/gw/put?abc'.",
                "Could not find file '/w/https:/gw/put?REDACTED'."
                "Could not find file '/w/https:/u:s@gw/put'.",
                "Could not find file '/w/https:/REDACTED@gw/put'."
                "see https://gw/put#abc, please", "see https://gw/put#REDACTED, please"
                @"{""a"":""https:\/\/gw\/put?foo=s"",""b"":1}",
                @"{""a"":""https:\/\/gw\/put?foo=REDACTED"",""b"":1}"
                "<a>https://gw/put?foo=s&amp;b=c</a>", "<a>https://gw/put?foo=REDACTED&amp;b=REDACTED</a>"
                "next=https%3A%2F%2Fgw%2Fput%3Ffoo%3Da%2520b more",
                "next=https%3A%2F%2Fgw%2Fput%3Ffoo%3DREDACTED more"
                "gw/put?foo=s", "gw/put?foo=REDACTED"
                "https://o/p/t0ken/n/ns/b/bucket/o/a failed", "https://o/p/REDACTED/n/ns/b/bucket/o/a failed"
                // Prose, and what is not secret.
                "what?no a=b", "what?no a=b"
                "really? a=b", "really? a=b"
                "the token, then the signature", "the token, then the signature"
                "issue #12 of /p/a/n/b", "issue #12 of /p/a/n/b"
            ]
            (fst >> Redaction.text)
            snd

        testCase "known masks a secret of which a preceding character makes an escape" (fun () ->
            for before in [ "100%"; @"C:\"; @"\u"; "%4"; @"\u00"; "&#x"; @"\x"; "%25" ] do
                for secret in
                    [
                        "cafe41deadbeef00"
                        "0041face0041face"
                        "nextofkin"
                        "c0ffee"
                        "ab+cd/ef41deadbeef00"
                    ] do
                    for spelled in [ secret; secret.Replace("/", "%2F"); secret.Replace("d", "%64") ] do
                        // In a short secret, only what is not escaped.
                        if secret.Length >= 16 || spelled = secret then
                            let shown = Redaction.known [ secret ] $"see {before}{spelled} there"
                            let tail = secret.Substring(min 5 (secret.Length - 5))
                            Expect.isFalse (shown.Contains tail) $"{before}{spelled}: {shown}"
                            Expect.stringContains shown Redaction.Mask $"{before}{spelled}")

        table
            "known masks a broken secret of which a preceding character makes an escape"
            [
                // `%5e` is one character, and `%25` is `%`: the secret has lost what they took.
                "5eJwKf77q",
                @"see 100%%u0035%u0065%u004a%u0077%u004b%u0066%u000d%u000a%u0020%u0020%u0037%u0037%u0071 there",
                "see 100REDACTED there"
                "3y6TcCRwL7q",
                @"see %2\063\171\066\124\143\012\103\122\167\114\067\161 there",
                "see REDACTED there"
                "5eJwKf77q", "see 100%5eJw\n  Kf77q there", "see 100REDACTED there"
                "cafe41deadbeef00x7", "see 100%cafe41de\n\nadbeef00x7 there", "see 100REDACTED there"
            ]
            (fun (secret, text, _) -> Redaction.known [ secret ] text)
            (fun (_, _, shown) -> shown)

        table
            "known masks other spellings of Base64 and of a blank"
            [
                "ab+cd/ef==", "x ab+cd/ef== y"
                "ab%2Bcd%2Fef%3D%3D", "x ab+cd/ef y"
                "ab%2Bcd%2Fef%3D%3D", "x ab-cd_ef y"
                "ab-cd_ef", "x ab+cd/ef== y"
                "ab+cd/ef", "x ab cd/ef y"
                "ab%20cd%2Fef", "x ab+cd/ef y"
                "%2Bab%2Bcd%2Fef", "x ab cd/ef y"
                "caf%C3%A9-t0ken", "x café-t0ken y"
                "caf%C3%A9-t0ken", @"x caf\u00e9-t0ken y"
                "caf%C3%A9-t0ken", "x caf&#xe9;-t0ken y"
                "caf%C3%A9-t0ken", "x caf%25c3%25a9-t0ken y"
                "%F0%9D%84%9E-t0ken", "x 𝄞-t0ken y"
                "%F0%9D%84%9E-t0ken", @"x \ud834\udd1e-t0ken y"
            ]
            (fun (secret, text) ->
                (Redaction.known [ secret ] text).Replace("==", "").Replace("+REDACTED", "REDACTED"))
            (fun _ -> "x REDACTED y")

        testCase "a header with a scheme loses its credentials, not only the scheme" (fun () ->
            for text in
                [
                    "Authorization: Bearer q1w2e3r4t5y6u7i8o9"
                    "Proxy-Authorization: Basic q1w2e3r4t5y6u7i8o9\r\nHost: h"
                    "Authorization: AWS4-HMAC-SHA256 Credential=q1w2e3r4t5y6u7i8o9/2/s3, SignedHeaders=host, Signature=q1w2e3r4t5y6u7i8o9"
                    "{\"Authorization\": \"AWS q1w2e3r4t5y6u7i8o9:sig\"}"
                ] do
                free [ "q1w2e3r4t5y6u7i8o9" ] (Redaction.text text))

        testCase "known passes over values that are too short to be a secret" (fun () ->
            Expect.equal (Redaction.known [ "abcde"; "" ] "abcde") "abcde" "five characters"
            Expect.equal (Redaction.known [ "abcdef" ] "xABCDEFx") "xREDACTEDx" "six characters"
            Expect.equal (Redaction.known [ "%41%42" ] "CABBAGE") "CABBAGE" "two characters, escaped")

        table
            "secretsOf gives every value that url masks, its parts, and the key id of a credential"
            [
                "https://h/p", []
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=s", [ "s" ]
                "https://h/p?X-Amz-Credential=AKIA%2F1%2Fr", [ "AKIA%2F1%2Fr"; "AKIA" ]
                "https://h/p?X-Amz-Credential=AKIAEXAMPLE%2F1%2Fr", [ "AKIAEXAMPLE%2F1%2Fr"; "AKIAEXAMPLE" ]
                "https://h/p?x=a%3Db%3Bc%3DSECRET", [ "a%3Db%3Bc%3DSECRET"; "SECRET" ]
                "https://h/p?x-amz-credential=AKIA/1/r&t", [ "AKIA/1/r"; "AKIA"; "t" ]
                "https://h/p?X-Goog-Credential=a%40b%2F1%2Fauto", [ "a%40b%2F1%2Fauto"; "a@b" ]
                "https://h/p?x-oss-credential=a/1/r", [ "a/1/r"; "a" ]
                "https://o/p/t0ken/n/ns/b/bucket/o/a", [ "t0ken" ]
                "https://o/%70/t0%6ben/n/ns/b/bucket/o/a?x=1", [ "t0%6ben"; "1" ]
                "https://h/p?%54oken=a", [ "a" ]
            ]
            (fst >> Redaction.secretsOf)
            snd
    ]

let private names = [
    // A text, and how it is shown where a name or a path belongs.
    "", ""
    "logs/stdout.txt", "logs/stdout.txt"
    "what?", "what?"
    "a=b", "a=b"
    "a=b?", "a=b?"
    "100%3F", "100%3F"
    "a&b=c", "a&b=c"
    "s3://bucket/key", "s3://bucket/key"
    "https://gw/put?token=abc", "https://gw/put?REDACTED"
    "https://gw/put?abc", "https://gw/put?REDACTED"
    "https://gw/put#token=abc", "https://gw/put#REDACTED"
    "https://user:abc@gw/put", "https://REDACTED@gw/put"
    "gw/put?token=abc", "gw/put?REDACTED"
    "gw/put%3Ftoken%3Dabc", "gw/put%3FREDACTED"
    "https%253A%252F%252Fgw%252Fput%253Ftoken%253Dabc", "https%253A%252F%252Fgw%252Fput%253FREDACTED"
    @"https:\/\/gw\/put?abc", @"https:\/\/gw\/put?REDACTED"
    "X-Amz-Signature=abc", "X-Amz-Signature=REDACTED"
]

[<Tests>]
let plain =
    testList "Redaction names" [
        table "a name is shown without what may be a query" names (fst >> Redaction.plain) snd

        table "what looks like a URL" (names |> List.map fst) Redaction.looksLikeUrl (fun text ->
            not (List.contains text [ ""; "logs/stdout.txt"; "what?"; "a=b"; "a=b?"; "100%3F"; "a&b=c" ]))

        propertyTimes 300 "a name that was shown is shown the same again" anyText (fun text ->
            let shown = Redaction.plain text
            Expect.equal (Redaction.plain shown) shown "nothing more to mask")
    ]
