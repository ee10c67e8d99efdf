/// Values of credentials' names in what a server returns.
module CellOS.Export.S3.Core.Tests.SecretNameTests

open System
open System.Text
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private secret = "q1w2e3r4t5y6u7i8o9"

let private names = [
    "accessToken"
    "AccessToken"
    "accesstoken"
    "access_token"
    "refresh_token"
    "refreshToken"
    "id_token"
    "idToken"
    "client_secret"
    "clientSecret"
    "password"
    "userPassword"
    "passwd"
    "apiKey"
    "api-key"
    "api_key"
    "X-Api-Key"
    "accessKey"
    "accessKeyId"
    "secretAccessKey"
    "aws_secret_access_key"
    "privateKey"
    "AccountKey"
    "SharedAccessSignature"
    "sessionToken"
    "sessionId"
    "authorization"
    "X-Amz-Security-Token"
    "X-Amz-Signature"
    "X-Amz-Credential"
    "sig"
    "temp_url_prefix"
    "secretKey"
    "SecretId"
    "customer-key"
    "dbpass"
    "passphrase"
    "cookie"
]

let private forms (name: string) (value: string) = [
    $"bad {name}={value} there"
    $"{name}: {value}"
    $"?{name}={value}&a=b"
    $"{{\"{name}\":\"{value}\"}}"
    $"{{\"a\":{{\"{name}\" : \"{value}\",\"b\":1}}}}"
    $"{{'{name}': '{value}'}}"
    $"<a><{name}>{value}</{name}></a>"
    $"{name}=\"{value}\", realm=\"x\""
    Text.Json.JsonSerializer.Serialize $"{{\"{name}\":\"{value}\"}}"
    $"{name}%%3D{value}"
    $"{name}\\x3d{value}"
    $"{name}\\u{{3d}}{value}"
    $"{name}\\075{value}"
    $"{name}%%u003d{value}"
    $"{name}=3D{value}"
]

[<Tests>]
let values =
    testList "Names of secrets" [
        testCase "a value of a credential's name is masked in every form" (fun () ->
            for name in names do
                for form in forms name secret do
                    let shown = Redaction.text form
                    Expect.isFalse (shown.Contains secret) $"{form} → {shown}"
                    Expect.stringContains shown Redaction.Mask form)

        testCase "a value of a credential's name is masked whatever its length" (fun () ->
            for name in names do
                for value in [ "7"; "Q7"; "Q7Z"; "Q7Z8"; "Q7Z8W" ] do
                    for i, form in List.indexed (forms name value) do
                        let shown = Redaction.text form
                        let masked = Redaction.text (List.item i (forms name secret))
                        Expect.equal shown masked form)

        testCase "a value that stands alone is masked from six characters on" (fun () ->
            for name in [ "X-Amz-Signature"; "X-Amz-Credential"; "X-Amz-Security-Token"; "token" ] do
                let shows (value: string) =
                    Redaction.known (Redaction.secretsOf $"https://h/p?{name}={value}") $"bad '{value}'"

                Expect.equal (shows "Q7Z8W") "bad 'Q7Z8W'" "five characters"
                Expect.equal (shows "Q7Z8WX") "bad 'REDACTED'" "six characters"

            Expect.equal Redaction.ShortestSecret 6 "the bound that the documents state")

        table
            "credentials behind a scheme are masked with and without a header's name"
            [
                $"Authorization: Bearer {secret}", "Authorization: REDACTED"
                $"authorization=Bearer {secret} failed", "authorization=REDACTED failed"
                $"{{\"authorization\":\"Bearer {secret}\"}}", "{\"authorization\":\"REDACTED\"}"
                $"<Authorization>Bearer {secret}</Authorization>", "<Authorization>REDACTED</Authorization>"
                $"access_token: Bearer {secret} failed", "access_token: REDACTED failed"
                $"no Bearer {secret} here", "no Bearer REDACTED here"
                $"no basic\t{secret}== here", "no basic\tREDACTED here"
                $"Set-Cookie: a={secret}; Path=/\nHost: h", "Set-Cookie: REDACTED\nHost: h"
            ]
            (fst >> Redaction.text)
            snd

        testCase "codes of errors and prose stay" (fun () ->
            for text in
                [
                    "ExpiredToken: The provided token has expired."
                    "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records."
                    "InvalidToken: malformed"
                    "MissingSecurityToken: none"
                    "NoSuchToken: none"
                    "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\", error_description=\"The token expired\""
                    "{\"error\":\"invalid_token\",\"error_description\":\"The token expired\"}"
                    "the accessToken, which has expired"
                    "a bearer of responsibilities"
                    "basic authentication-is-required here"
                    "tokens=3"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        testCase "a foreign XML body is shown without the values of credentials' names" (fun () ->
            let body =
                $"<oauth><error>denied</error><accessToken>{secret}</accessToken></oauth>"

            let headers = [ Collections.Generic.KeyValuePair("Content-Type", "application/xml") ]

            let reply =
                Reply.read 403 headers (ReadOnlyMemory(Encoding.UTF8.GetBytes body)) BodyEnd.Whole None

            Expect.equal (Expect.wantSome reply.Body "a body").VisibleText "denied REDACTED" "the text")
    ]

[<Tests>]
let prose =
    testList "Names of secrets in sentences" [
        testCase "a list of names stays readable" (fun () ->
            for text in
                [
                    "HeadersNotSigned: x-amz-date, host"
                    "HeadersNotSigned: x-amz-security-token, host"
                    "HeadersNotSigned: host, x-amz-server-side-encryption-customer-key, x-amz-date"
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
                    "X-Goog-Signature, X-Goog-Date"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        testCase "a word on the state of a credential stays readable" (fun () ->
            for text in
                [
                    "Signature: expired"
                    "The provided token: is malformed."
                    "access_token: missing, try again"
                    "{\"x\": 1, note: token: required}"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        testCase "a value that begins as a name or a word does is masked" (fun () ->
            for text in
                [
                    $"X-Amz-Signature, x-amz-{secret}/7"
                    $"[X-Amz-Signature, {secret}]"
                    $"token: expired{secret}"
                    $"token: is/{secret}"
                    $"token:none{secret}"
                    $"token=expired-{secret}"
                ] do
                let shown = Redaction.text text
                Expect.isFalse (shown.Contains secret) $"{text} → {shown}")

        table
            "octets with blanks between them are masked to the last one"
            [
                "CanonicalRequestBytes: 50 55 54 0a 2f and more", "CanonicalRequestBytes: REDACTED and more"
                "{\"CanonicalRequestBytes\":\"50 55 54\"}", "{\"CanonicalRequestBytes\":\"REDACTED\"}"
                "<StringToSignBytes>41 57 53</StringToSignBytes>",
                "<StringToSignBytes>REDACTED</StringToSignBytes>"
                "StringToSignBytes=41 57 53 34", "StringToSignBytes=REDACTED"
            ]
            (fst >> Redaction.text)
            snd

        table
            "a token that stands alone in a query is masked without a scheme, too"
            [
                "host/path?AbCdEf123456", "host/path?REDACTED"
                "see gateway.example/up?0a1b2c3d4e5f there", "see gateway.example/up?REDACTED there"
                "host/p?a=b1&AbCdEf123456", "host/p?a=REDACTED&REDACTED"
                "really? yes", "really? yes"
                "what?no", "what?no"
            ]
            (fst >> Redaction.text)
            snd

        testCase "a name that is a URL with a token alone in its query is shown without it" (fun () ->
            Expect.isTrue (Redaction.looksLikeUrl "host/path?AbCdEf123456") "it looks like a URL"
            Expect.equal (Redaction.plain "host/path?AbCdEf123456") "host/path?REDACTED" "shown"
            Expect.isFalse (Redaction.looksLikeUrl "what?no") "a question")

        testCase "names of files with the word of a credential in them are shown" (fun () ->
            for name in
                [
                    "sha256sums.sig"
                    "token-report.json"
                    "a/signature"
                    "credential"
                    "api-token.txt"
                    "x.sig"
                    "logs/session_token"
                ] do
                Expect.equal (Shown.name name) name "as it is"
                Expect.equal (Shown.short 60 name) name "as it is"

                Expect.equal
                    (Redaction.text $"exported '{name}' (5 B)")
                    $"exported '{name}' (5 B)"
                    "in a line")

        table
            "the token of a pre-authenticated request is masked in a path that was cut"
            [
                for rest in [ "n"; "n/"; "n/ns"; "n/ns/"; "n/ns/b"; "n/ns/b/"; "n/ns/b/bucket/o/key"; "" ] do
                    $"see https://h/p/AbCdEf1234567890xyz/{rest}", $"see https://h/p/REDACTED/{rest}"
                "no /p/AbCdEf1234567890xyz/n/ns… here", "no /p/REDACTED/n/ns… here"
                "/p/photos/n/2024/file", "/p/photos/n/2024/file"
                "/p/photos/n/2024", "/p/photos/n/2024"
            ]
            (fst >> Redaction.text)
            snd
    ]

[<Tests>]
let namesOfThings =
    let url = "https:/h/p?X-Amz-Signature=q1w2e3r4t5y6u7i8o9"

    testList "URLs in the place of names" [
        testCase "a cell id that is a URL is refused and shown without its secrets" (fun () ->
            for value in
                [
                    "h?X-Amz-Signature=q1w2e3r4t5y6u7i8o9"
                    "h?sig=q1w2e3r4t5y6u7i8o9"
                    "h?AbCq1w2e3r4t5y6u7i8o9"
                    "https%3A%2F%2Fh%2Fp%3Ftoken%3Dq1w2e3r4t5y6u7i8o9"
                ] do
                match CellId.create value with
                | Ok _ -> failtest $"{value} was taken"
                | Error refusal ->
                    Expect.stringContains refusal.Message "is a URL or a part of one" "why"
                    Expect.isFalse (refusal.Message.Contains "q1w2e3r4") refusal.Message)

        testCase "an artifact's name with a credential of a URL is refused and shown without it" (fun () ->
            for value in
                [
                    url
                    "index.html?token=q1w2e3r4t5y6u7i8o9"
                    "a/b?x=1&X-Amz-Signature=q1w2e3r4t5y6u7i8o9"
                    "https%3A%2F%2Fu:q1w2e3r4t5y6u7i8o9@h"
                    "p%3Fsig%3Dq1w2e3r4t5y6u7i8o9"
                ] do
                match ArtifactName.create value with
                | Ok _ -> failtest $"{value} was taken"
                | Error refusal ->
                    Expect.stringContains refusal.Message "contains a credential of a URL" "why"
                    Expect.isFalse (refusal.Message.Contains "q1w2e3r4") refusal.Message)

        testCase "names of saved pages without a credential are names" (fun () ->
            for value in [ "index.html?id=3&page=2"; "https%3A%2F%2Fexample.org%2Fpage"; "a?b"; "x=y" ] do
                Expect.isTrue (ArtifactName.create value).IsOk value)

        testCase
            "a bucket, a key prefix and a target's name that are a URL are refused without their secrets"
            (fun () ->
                let messages = [
                    match Bucket.create url with
                    | Error refusal -> refusal.Message
                    | Ok _ -> "taken"
                    match TargetName.create url with
                    | Error refusal -> refusal.Message
                    | Ok _ -> "taken"
                    match KeyPrefix.create "host/p?AbCq1w2e3r4t5y6u7i8o9" with
                    | Error refusal -> refusal.Message
                    | Ok _ -> "taken"
                ]

                for message in messages do
                    Expect.notEqual message "taken" "refused"
                    Expect.isFalse (message.Contains "q1w2e3r4") message)
    ]
