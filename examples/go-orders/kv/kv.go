// Package kv is the store of package orders on wasi:keyvalue. Which database that is, the host's operator chooses.
package kv

import (
	"errors"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/wasi_keyvalue_atomics"
	"wit_component/wasi_keyvalue_store"
)

// Bucket is an open bucket; it ends with Close.
type Bucket struct {
	bucket *wasi_keyvalue_store.Bucket
}

// Open opens a bucket that the host knows by this name.
func Open(name string) (Bucket, error) {
	bucket, err := unwrap(wasi_keyvalue_store.Open(name))
	return Bucket{bucket}, err
}

func (b Bucket) Close() { b.bucket.Drop() }

func (b Bucket) Get(key string) ([]byte, bool, error) {
	value, err := unwrap(b.bucket.Get(key))
	if err != nil || value.IsNone() {
		return nil, false, err
	}
	return value.Some(), true, nil
}

func (b Bucket) Set(key string, value []byte) error {
	_, err := unwrap(b.bucket.Set(key, value))
	return err
}

func (b Bucket) Delete(key string) error {
	_, err := unwrap(b.bucket.Delete(key))
	return err
}

// Keys asks for page after page until there is none.
func (b Bucket) Keys() ([]string, error) {
	var keys []string
	cursor := witTypes.None[uint64]()
	for {
		page, err := unwrap(b.bucket.ListKeys(cursor))
		if err != nil {
			return nil, err
		}
		keys = append(keys, page.Keys...)
		if page.Cursor.IsNone() {
			return keys, nil
		}
		cursor = page.Cursor
	}
}

func (b Bucket) Next(key string) (uint64, error) {
	return unwrap(wasi_keyvalue_atomics.Increment(b.bucket, key, 1))
}

// unwrap turns a result of the contract into Go's pair of value and error.
func unwrap[T any](result witTypes.Result[T, wasi_keyvalue_store.Error]) (value T, err error) {
	if result.IsOk() {
		return result.Ok(), nil
	}
	switch failure := result.Err(); failure.Tag() {
	case wasi_keyvalue_store.ErrorNoSuchStore:
		return value, errors.New("no such store")
	case wasi_keyvalue_store.ErrorAccessDenied:
		return value, errors.New("access denied")
	default:
		return value, errors.New(failure.Other())
	}
}
