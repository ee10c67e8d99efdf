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
