package remote

import (
	"context"
	"errors"
	"os"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// lookCloud asks a store of objects (S3 and its like) what lies at an address.
func lookCloud(a Address) (Version, error) {
	size, changed, err := raster.Object(a.GDAL())
	if err != nil {
		return Version{}, toldCloud(err, a)
	}
	return Version{Name: base(a.URL), Size: size, Modified: changed, Ranges: true}, nil
}

// copyCloud copies an object to a file.
func copyCloud(ctx context.Context, a Address, v Version, to string, progress func(done, total int64)) error {
	f, err := os.Create(to)
	if err != nil {
		return cacheFault(to, err)
	}
	defer f.Close()
	var done int64
	err = raster.Copy(a.GDAL(), func(b []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Write(b)
		if done += int64(n); err != nil {
			return cacheFault(to, err)
		}
		progress(done, v.Size)
		return nil
	})
	var in *fault.Input
	switch {
	case errors.As(err, &in), ctx.Err() != nil:
		return err
	case err != nil:
		return toldCloud(err, a)
	case v.Size >= 0 && done != v.Size:
		return fault.New(a.URL, "the connection was cut", "Run again.")
	}
	if err := f.Close(); err != nil {
		return cacheFault(to, err)
	}
	return nil
}

// credentials are where GDAL looks for them.
var credentials = map[string]string{
	"s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_NO_SIGN_REQUEST=YES for a public bucket.",
	"gs": "Set GS_OAUTH2_REFRESH_TOKEN or GOOGLE_APPLICATION_CREDENTIALS, or GS_NO_SIGN_REQUEST=YES for a public bucket.",
	"az": "Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_NO_SIGN_REQUEST=YES for a public container.",
}

func toldCloud(err error, a Address) error {
	scheme, _, _ := strings.Cut(a.URL, ":")
	low := strings.ToLower(err.Error())
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("credential", "aws_secret", "gs_secret", "azure_storage", "no valid", "not defined"):
		return fault.New(a.URL, "no credentials for it were found", credentials[scheme])
	case has("403", "access denied", "accessdenied", "forbidden", "signature"):
		return denial{fault.New(a.URL, "the server says 403: these credentials may not read it", credentials[scheme])}
	case low == "not found": // GDAL keeps to itself which
		return denial{fault.New(a.URL, "the server says 404 (nothing is there) or 403 (these credentials may not read it)", "Check bucket and name. "+credentials[scheme])}
	case has("404", "not found", "nosuchkey", "nosuchbucket", "does not exist"):
		return denial{fault.New(a.URL, "the server says 404: nothing is there", "Check bucket and name.")}
	}
	return fault.Wrap(err, a.URL, "the object cannot be had from its server", "Check the address, the network and the credentials. "+credentials[scheme])
}
