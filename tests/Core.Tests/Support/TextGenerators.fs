/// Texts, valid and hostile, under the short names that the tests know them by.
module CellOS.Export.S3.Core.Tests.TextGenerators

open System
open CellOS.Export.S3.Generators

let anyText = Texts.any
let anyTextOrNull = Texts.anyOrNull
let alphanumeric = Texts.alphanumeric
let segment = Texts.segment
let secret = Texts.secret
let mixedCase = Texts.mixedCase
let spelled = Texts.spelled
let cellId = Names.cellId
let artifactText = Names.artifactText
let artifact = Names.artifactName
let bucket = Names.bucket

/// Whether a text holds a secret, in any case.
let holds (secrets: string list) (text: string) =
    secrets
    |> List.filter (fun secret -> text.Contains(secret, StringComparison.OrdinalIgnoreCase))
