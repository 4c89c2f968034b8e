// Package orders is the service: it knows net/http and a Store, and nothing of WebAssembly. `go test` runs it anywhere.
package orders

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Store keeps values by key. The component's is in package kv, that of the tests a map.
type Store interface {
	Get(key string) (value []byte, found bool, err error)
	Set(key string, value []byte) error
	Delete(key string) error
	Keys() ([]string, error)
	// Next counts up and answers the new number; no two callers get the same.
	Next(key string) (uint64, error)
}

// Order is what a customer asked for. Prices are in cents.
type Order struct {
	ID       uint64 `json:"id"`
	Customer string `json:"customer"`
	Items    []Item `json:"items"`
	Total    int64  `json:"total"`
}

// Item is one line of an order.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"`
}

const (
	maxBody  = 64 << 10
	maxItems = 100
	// maxAmount bounds quantities and prices, so that no total overflows.
	maxAmount = 1_000_000
)

// Service answers requests for orders.
type Service struct {
	Store Store
	// Log takes a line for the operator.
	Log func(format string, args ...any)
}

// Handler routes requests to the service.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.create)
	mux.HandleFunc("GET /orders", s.list)
	mux.HandleFunc("GET /orders/{id}", s.get)
	mux.HandleFunc("DELETE /orders/{id}", s.delete)
	return mux
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var order Order
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&order)
	if err == nil && decoder.More() {
		err = errors.New("more than one value")
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		fail(w, http.StatusRequestEntityTooLarge, "an order has at most %d bytes", maxBody)
		return
	} else if err != nil {
		fail(w, http.StatusBadRequest, "not an order: %v", err)
		return
	}
	if wrong := order.validate(); len(wrong) > 0 {
		fail(w, http.StatusUnprocessableEntity, "%s", strings.Join(wrong, "; "))
		return
	}

	order.ID, err = s.Store.Next("last-order")
	if err == nil {
		err = s.save(order)
	}
	if err != nil {
		s.unavailable(w, err)
		return
	}
	s.Log("order %d: %s, %d items, total %d", order.ID, order.Customer, len(order.Items), order.Total)
	w.Header().Set("Location", fmt.Sprintf("/orders/%d", order.ID))
	answer(w, http.StatusCreated, order)
}

// validate fills in the total and says everything that is wrong with an order, not only what comes first.
func (o *Order) validate() (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if o.ID != 0 || o.Total != 0 {
		complain("id and total are not the customer's to choose")
	}
	if o.Customer = strings.TrimSpace(o.Customer); o.Customer == "" {
		complain("customer is missing")
	}
	if len(o.Items) == 0 || len(o.Items) > maxItems {
		complain("items: between 1 and %d are needed", maxItems)
	}
	o.Total = 0
	for i, item := range o.Items {
		if item.SKU == "" {
			complain("items[%d].sku is missing", i)
		}
		if item.Quantity < 1 || item.Quantity > maxAmount {
			complain("items[%d].quantity: not between 1 and %d", i, maxAmount)
		}
		if item.Price < 0 || item.Price > maxAmount {
			complain("items[%d].price: not between 0 and %d", i, maxAmount)
		}
		o.Total += item.Quantity * item.Price
	}
	return wrong
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	keys, err := s.Store.Keys()
	if err != nil {
		s.unavailable(w, err)
		return
	}
	customer := r.URL.Query().Get("customer")
	orders := []Order{}
	for _, key := range keys {
		if !strings.HasPrefix(key, "order/") {
			continue
		}
		// One that was deleted since its key was read is left out.
		order, found, err := s.load(key)
		if err != nil {
			s.unavailable(w, err)
			return
		}
		if found && (customer == "" || order.Customer == customer) {
			orders = append(orders, order)
		}
	}
	slices.SortFunc(orders, func(a, b Order) int { return cmp.Compare(a.ID, b.ID) })
	answer(w, http.StatusOK, orders)
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	if _, order, found := s.find(w, r); found {
		answer(w, http.StatusOK, order)
	}
}

func (s *Service) delete(w http.ResponseWriter, r *http.Request) {
	key, order, found := s.find(w, r)
	if !found {
		return
	}
	if err := s.Store.Delete(key); err != nil {
		s.unavailable(w, err)
		return
	}
	s.Log("order %d: deleted", order.ID)
	w.WriteHeader(http.StatusNoContent)
}

// find looks for the order that the path names; if there is none, it has answered.
func (s *Service) find(w http.ResponseWriter, r *http.Request) (key string, order Order, found bool) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, "%q is not the number of an order", r.PathValue("id"))
		return "", Order{}, false
	}
	key = keyOf(id)
	order, found, err = s.load(key)
	if err != nil {
		s.unavailable(w, err)
	} else if !found {
		fail(w, http.StatusNotFound, "there is no order %d", id)
	}
	return key, order, found
}

func keyOf(id uint64) string { return fmt.Sprintf("order/%d", id) }

func (s *Service) load(key string) (order Order, found bool, err error) {
	value, found, err := s.Store.Get(key)
	if err != nil || !found {
		return Order{}, false, err
	}
	if err := json.Unmarshal(value, &order); err != nil {
		return Order{}, false, fmt.Errorf("%s: %w", key, err)
	}
	return order, true, nil
}

func (s *Service) save(order Order) error {
	value, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return s.Store.Set(keyOf(order.ID), value)
}

func (s *Service) unavailable(w http.ResponseWriter, err error) {
	s.Log("the store failed: %v", err)
	fail(w, http.StatusServiceUnavailable, "the store failed: %v", err)
}

func fail(w http.ResponseWriter, status int, format string, args ...any) {
	answer(w, status, map[string]string{"error": fmt.Sprintf(format, args...)})
}

func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, string(text)+"\n")
}
