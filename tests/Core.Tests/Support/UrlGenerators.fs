/// URLs, valid and hostile, some with secrets planted in them, under the short names that the tests know them by.
module CellOS.Export.S3.Core.Tests.UrlGenerators

open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators

type Planted = PlantedUrl

let noon = Urls.noon
let path = Urls.path
let v4Query = Urls.sigV4Query
let presigned = Urls.presigned
let spoilt = Urls.spoilt
let anyUrl = Urls.any
let templateText = Urls.templateText

let parsed (url: string) =
    match RequestUrl.parse url with
    | Ok url -> url
    | Error refusal -> failwithf "The generator made a wrong URL: %O" refusal
