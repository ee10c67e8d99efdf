module CellOS.Export.S3.Core.Tests.S3ErrorTests

open System
open System.Globalization
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private ofBytes (body: byte[]) = S3Error.tryParse (ReadOnlyMemory body)

let private read (body: string) = ofBytes (Encoding.UTF8.GetBytes body)

let private codeOf body = read body |> Option.map _.Code

let private sample =
    """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature does not match.</Message><AWSAccessKeyId>AKIAPLANTED0SECRET00</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256
20260301T120000Z</StringToSign><SignatureProvided>planted0secret0planted0secret0</SignatureProvided><CanonicalRequest>PUT /x</CanonicalRequest><RequestId>4442587FB7D0A2F9</RequestId><HostId>abc/def=</HostId><Region>eu-west-1</Region><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>"""

let private fields (error: S3Error) =
    error.Code
    :: List.choose id [ error.Message; error.RequestId; error.HostId; error.Region; error.Endpoint ]

let private isOneLine (text: string) =
    text
    |> Seq.forall (fun c ->
        match Char.GetUnicodeCategory c with
        | UnicodeCategory.Control
        | UnicodeCategory.Format
        | UnicodeCategory.LineSeparator
        | UnicodeCategory.ParagraphSeparator -> false
        | _ -> true)

let private sane (error: S3Error) =
    Expect.isMatch error.Code @"\A[A-Za-z0-9._]{1,64}\z" "a code is a word"

    for field in fields error do
        Expect.isTrue (isOneLine field) "one line"
        Expect.isTrue (field.Length > 0 && field.Length <= S3Error.MaxBytes) "of bounded length"
        Expect.equal (Redaction.text field) field "redacted"

let private bytes =
    gen {
        let! start =
            Gen.elements [
                [||]
                [| 0xEFuy; 0xBBuy; 0xBFuy |]
                [| 0xFFuy; 0xFEuy |]
                [| 0xFEuy; 0xFFuy |]
                [| 0xFFuy; 0xFEuy; 0uy; 0uy |]
                [| 0uy; 0uy; 0xFEuy; 0xFFuy |]
                [| 0x4Cuy; 0x6Fuy; 0xA7uy; 0x94uy |]
                Encoding.UTF8.GetBytes "<Error><Code>A"
                Encoding.UTF8.GetBytes "<?xml "
            ]

        let! length = Gen.choose (0, 60)
        let! rest = Gen.arrayOfLength length (Gen.choose (0, 255))
        return Array.append start (Array.map byte rest)
    }

let private document =
    gen {
        let! code =
            Gen.frequency [ 4, Gen.elements [ "AccessDenied"; "SlowDown" ]; 1, anyText ]

        let! message = anyText
        let! id = anyText

        let! order =
            Gen.shuffle [| "Code", code; "Message", message; "RequestId", id; "Region", id |]

        let element (name: string, value: string) =
            $"<{name}>{Security.SecurityElement.Escape value}</{name}>"

        return "<Error>" + String.Concat(Array.map element order) + "</Error>"
    }

let private corrupted =
    gen {
        let! document = Gen.frequency [ 1, Gen.constant sample; 1, document ]
        let body = Encoding.UTF8.GetBytes document
        let! at = Gen.choose (0, body.Length - 1)
        let! by = Gen.choose (0, 255)
        body[at] <- byte by
        return body
    }

[<Tests>]
let tests =
    testList "S3Error" [
        propertyTimes 500 "tryParse is total over bytes" (Gen.oneof [ bytes; corrupted ]) (fun body ->
            ofBytes body |> Option.iter sane)

        propertyTimes 300 "every text is on one line, short, and redacted" document (read >> Option.iter sane)

        testCase "a document that breaks off counts as far as its code is whole" (fun () ->
            let body = Encoding.UTF8.GetBytes sample
            let codeEnds = sample.IndexOf("</Code>") + "</Code>".Length

            for length in 0 .. body.Length do
                let error = ofBytes body[.. length - 1]
                Expect.equal error.IsSome (length >= codeEnds) $"cut off after {length} bytes"

                error
                |> Option.iter (fun error -> Expect.equal error.Code "SignatureDoesNotMatch" "the code"))

        testCase "what is read, and what echoes the credential and is not" (fun () ->
            let error = Expect.wantSome (read sample) "a document of S3"

            Expect.equal
                error
                {
                    Code = "SignatureDoesNotMatch"
                    Message = Some "The request signature does not match."
                    RequestId = Some "4442587FB7D0A2F9"
                    HostId = Some "abc/def="
                    Region = Some "eu-west-1"
                    Endpoint = Some "b.s3.eu-west-1.amazonaws.com"
                    Details = []
                }
                "all six"

            Expect.isEmpty
                (holds [ "planted0secret0planted0secret0"; "AKIAPLANTED0SECRET00" ] $"%A{error}")
                "no secret")

        testCase "a message that quotes the URL is redacted" (fun () ->
            let body =
                "<Error><Code>AccessDenied</Code><Message>PUT https://u:planted0secret0pw@h/p?a=b&amp;X-Amz-Signature=planted0secret0sig</Message></Error>"

            let error = Expect.wantSome (read body) "a document of S3"
            Expect.isEmpty (holds [ "planted0secret0" ] $"%A{error}") "no secret")

        testCase "documents in UTF-16 are read" (fun () ->
            for encoding: Encoding in [ Encoding.Unicode; Encoding.BigEndianUnicode ] do
                let text =
                    "<?xml version=\"1.0\" encoding=\"utf-16\"?><Error><Code>SlowDown</Code></Error>"

                let body = Array.append (encoding.GetPreamble()) (encoding.GetBytes text)
                Expect.equal (ofBytes body |> Option.map _.Code) (Some "SlowDown") encoding.EncodingName)

        table
            "what is an S3 error, and what is none"
            [
                "<Error><Code>SlowDown</Code></Error>", Some "SlowDown"
                "<Error xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Code>SlowDown</Code></Error>",
                Some "SlowDown"
                "<s:Error xmlns:s='urn:x'><s:Code>SlowDown</s:Code></s:Error>", Some "SlowDown"
                "<Error><Code>\n SlowDown \n</Code></Error>", Some "SlowDown"
                "<Error><Code><![CDATA[SlowDown]]></Code></Error>", Some "SlowDown"
                "<Error><!-- c --><Code>Slow<!-- c -->Down</Code><?pi x?></Error>", Some "SlowDown"
                "<Error><Code>A</Code><Code>B</Code></Error>", Some "A"
                "<Error><Code/><Message>x</Message></Error>", None
                "<Error><Message>x</Message></Error>", None
                "<Error><Code>Not a code</Code></Error>", None
                "<Error><Code>" + String('A', 65) + "</Code></Error>", None
                "<Error><Code>" + String('A', 64) + "</Code></Error>", Some(String('A', 64))
                "<Error><Inner><Code>SlowDown</Code></Inner></Error>", None
                "<Other><Code>SlowDown</Code></Other>", None
                "<Code>SlowDown</Code>", None
                "<html><body><h1>503 Service Unavailable</h1></body></html>", None
                "<!DOCTYPE html><html><head></head></html>", None
                "{\"Code\": \"SlowDown\"}", None
                "SlowDown", None
                "", None
                "<?xml version='1.0' encoding='utf-7'?><Error><Code>A</Code></Error>", Some "A"
                "<?xml version='1.0' encoding='no-such'?><Error><Code>A</Code></Error>", Some "A"
                "<!DOCTYPE Error [<!ENTITY a 'SlowDown'>]><Error><Code>&a;</Code></Error>", None
                "<!DOCTYPE l [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><Error><Code>A</Code><Message>&c;</Message></Error>",
                None
                "<!DOCTYPE Error SYSTEM 'file:///etc/passwd'><Error><Code>A</Code></Error>", None
                "<Error><Code>&undefined;</Code></Error>", None
            ]
            (fst >> codeOf)
            snd

        testCase "deep nesting and long documents do no harm" (fun () ->
            let deep = String.replicate 20000 "<a>"

            Expect.equal
                (codeOf $"<Error><Code>SlowDown</Code>{deep}")
                (Some "SlowDown")
                "the code comes first"

            Expect.isNone (codeOf deep) "nothing but depth"

            let long = String('x', S3Error.MaxBytes)

            let error =
                read $"<Error><Code>SlowDown</Code><RequestId>1</RequestId><Message>{long}</Message></Error>"

            Expect.equal
                (error |> Option.map (fun e -> e.Code, e.RequestId, e.Message))
                (Some("SlowDown", Some "1", None))
                "as far as it goes"

            Expect.isNone
                (codeOf $"<Error><Message>{long}</Message><Code>SlowDown</Code></Error>")
                "a code beyond the limit")

        testCase "no more than 64 KiB are looked at" (fun () ->
            let head, tail = "<Error><Message>", "</Message><Code>SlowDown</Code>"

            let body room =
                head + String('x', room - head.Length - tail.Length) + tail

            Expect.equal (codeOf (body S3Error.MaxBytes)) (Some "SlowDown") "the last byte"
            Expect.isNone (codeOf (body (S3Error.MaxBytes + 1))) "one byte more")

        testCase
            "a long message is kept whole, on one line: it is shortened when its secrets are masked"
            (fun () ->
                let error =
                    Expect.wantSome
                        (read (
                            "<Error><Code>A</Code><Message>a\nb\t\u2028"
                            + String('x', 5000)
                            + "</Message></Error>"
                        ))
                        "read"

                let message = Expect.wantSome error.Message "a message"
                Expect.equal message ("a b  " + String('x', 5000)) "all of it")
    ]
